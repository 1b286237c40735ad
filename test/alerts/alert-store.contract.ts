import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlertFilter, AlertStore } from '../../alerts/alert.ts';
import { episode, T0 } from './samples.ts';

/** What an adapter brings to the contract. */
export interface AlertStoreHarness {
  /** Opens the store; a second call, after close, finds what the first one left. */
  open(): Promise<AlertStore>;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

/** What every adapter of {@link AlertStore} promises. */
export function describeAlertStore(name: string, createHarness: () => Promise<AlertStoreHarness>): void {
  describe(`${name} keeps the contract of the alert store`, () => {
    let harness: AlertStoreHarness;
    let store: AlertStore;

    beforeEach(async () => {
      harness = await createHarness();
      store = await harness.open();
    });

    afterEach(async () => {
      await store.close();
      await harness.remove();
    });

    async function reopen(): Promise<void> {
      await store.close();
      store = await harness.open();
    }

    async function listAll(filter: AlertFilter, limit: number): Promise<string[]> {
      const uids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list(filter, { limit, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.alerts.length).toBeLessThanOrEqual(limit);
        uids.push(...page.alerts.map((alert) => alert.episode.uid));
        cursor = page.next;
      } while (cursor !== undefined);
      return uids;
    }

    it('gives an episode back as it was put, with a triage that nobody has touched', async () => {
      const put = episode();
      expect(await store.putEpisodes([put])).toEqual([put]);
      expect(await store.get(put.uid)).toEqual({
        episode: put,
        triage: { version: 1, status: 'new', verdict: 'unknown', comments: [] },
      });
      expect(await store.get('nobody')).toBeUndefined();
      expect(await store.get('x'.repeat(5000))).toBeUndefined();
    });

    it('takes a higher revision and leaves out the same and older ones', async () => {
      await store.putEpisodes([episode({ revision: 3 })]);
      expect(await store.putEpisodes([episode({ revision: 3, findingCount: 99 })])).toEqual([]);
      expect(await store.putEpisodes([episode({ revision: 2, findingCount: 99 })])).toEqual([]);
      const newer = episode({ revision: 4, findingCount: 4 });
      expect(await store.putEpisodes([newer])).toEqual([newer]);
      expect((await store.get(newer.uid))?.episode).toEqual(newer);
    });

    it('takes an episode twice in one call as its newest', async () => {
      const newer = episode({ revision: 5 });
      expect(await store.putEpisodes([episode({ revision: 4 }), newer, episode({ revision: 1 })])).toEqual([newer]);
      expect(await store.counts()).toMatchObject({ total: 1 });
    });

    it('keeps what people did when an episode changes', async () => {
      const { uid } = episode();
      await store.putEpisodes([episode()]);
      await store.triage(uid, 1, (triage) => ({ ...triage, status: 'in_progress', assignee: 'kim' }));
      await store.putEpisodes([episode({ revision: 9, isOpen: false })]);
      expect(await store.get(uid)).toMatchObject({
        episode: { revision: 9 },
        triage: { version: 2, status: 'in_progress', assignee: 'kim' },
      });
    });

    it('changes triage at the version that was read, and refuses another', async () => {
      const { uid } = episode();
      await store.putEpisodes([episode()]);
      const comment = { atMs: T0, by: 'kim', text: 'looking' };
      const changed = await store.triage(uid, 1, (triage) => ({ ...triage, comments: [comment] }));
      expect(changed.triage).toEqual({ version: 2, status: 'new', verdict: 'unknown', comments: [comment] });
      await expect(store.triage(uid, 1, (triage) => triage)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(store.triage('nobody', undefined, (triage) => triage)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      const refused = store.triage(uid, undefined, () => {
        throw new Error('no');
      });
      await expect(refused).rejects.toThrow('no');
      expect((await store.get(uid))?.triage).toEqual(changed.triage);
    });

    it('lets one of several changes at the same version through', async () => {
      const { uid } = episode();
      await store.putEpisodes([episode()]);
      const tries = await Promise.allSettled(
        ['a', 'b', 'c'].map((assignee) => store.triage(uid, 1, (triage) => ({ ...triage, assignee }))),
      );
      expect(tries.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
      expect((await store.get(uid))?.triage.version).toBe(2);
    });

    it('lists by last pane, newest first, then uid, in pages', async () => {
      const episodes = Array.from({ length: 25 }, (_, i) =>
        episode({ uid: `u${String(i).padStart(2, '0')}`, lastPaneMs: T0 + Math.floor(i / 2) * 10_000 }),
      );
      await store.putEpisodes(episodes);
      const expected = [...episodes]
        .sort((a, b) => b.lastPaneMs - a.lastPaneMs || (a.uid < b.uid ? -1 : 1))
        .map(({ uid }) => uid);
      for (const limit of [1, 7, 25, 100]) expect(await listAll({}, limit)).toEqual(expected);
    });

    it('keeps the place of a page when newer alerts come in between', async () => {
      await store.putEpisodes(['a', 'b', 'c', 'd'].map((uid, i) => episode({ uid, lastPaneMs: T0 - i * 10_000 })));
      const first = await store.list({}, { limit: 2 });
      await store.putEpisodes([
        episode({ uid: 'new', lastPaneMs: T0 + 10_000 }),
        episode({ uid: 'd', revision: 9, lastPaneMs: T0 + 20_000 }),
      ]);
      const second = await store.list({}, { limit: 2, cursor: first.next! });
      expect(first.alerts.map(({ episode: { uid } }) => uid)).toEqual(['a', 'b']);
      expect(second.alerts.map(({ episode: { uid } }) => uid)).toEqual(['c']);
      expect(second.next).toBeUndefined();
      expect(await listAll({}, 10)).toEqual(['d', 'new', 'a', 'b', 'c']);
    });

    it('filters', async () => {
      await store.putEpisodes([
        episode({ uid: 'flood', lastPaneMs: T0 }),
        episode({
          uid: 'loss',
          lastPaneMs: T0 + 10_000,
          family: 'data-loss',
          detectors: ['large-upload', 'outbound-volume'],
        }),
        episode({ uid: 'old', lastPaneMs: T0 - 50_000, firstPaneMs: T0 - 50_000, isOpen: false, severity: 'low' }),
        episode({
          uid: 'other',
          lastPaneMs: T0 + 20_000,
          firstPaneMs: T0 + 20_000,
          entity: '10.0.0.9',
          severity: 'critical',
        }),
      ]);
      await store.triage('loss', undefined, (triage) => ({ ...triage, status: 'closed' }));
      const cases: [AlertFilter, string[]][] = [
        [{ sinceMs: T0 }, ['other', 'loss', 'flood']],
        [{ sinceMs: T0 + 1 }, ['other', 'loss']],
        [{ untilMs: T0 }, ['old']],
        [{ family: 'data-loss' }, ['loss']],
        [{ detector: 'outbound-volume' }, ['loss']],
        [{ entity: '10.0.0.9' }, ['other']],
        [{ status: 'closed' }, ['loss']],
        [{ status: 'new', open: true }, ['other', 'flood']],
        [{ open: false }, ['old']],
        [{ minSeverity: 'high' }, ['other', 'loss', 'flood']],
        [{ minSeverity: 'critical' }, ['other']],
        [{ entity: 'nobody' }, []],
      ];
      for (const [filter, uids] of cases) {
        expect(await listAll(filter, 10), JSON.stringify(filter)).toEqual(uids);
        expect(await listAll(filter, 1), JSON.stringify(filter)).toEqual(uids);
      }
    });

    it.each(['', 'x', 'bnVsbA', Buffer.from('[1]').toString('base64url'), 'x'.repeat(10_000)])(
      'refuses a cursor that it did not give (%#)',
      async (cursor) => {
        await expect(store.list({}, { limit: 1, cursor })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      },
    );

    it('refuses a limit that is no positive integer', async () => {
      for (const limit of [0, -1, 1.5, NaN]) {
        await expect(store.list({}, { limit })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      }
    });

    it('counts what is open and what there is of each severity, through changes and a restart', async () => {
      const none = { informational: 0, low: 0, medium: 0, high: 0, critical: 0 };
      expect(await store.counts()).toEqual({ open: 0, total: 0, bySeverity: none });
      await store.putEpisodes([episode({ uid: 'a' }), episode({ uid: 'b', severity: 'low' })]);
      await store.putEpisodes([episode({ uid: 'a', revision: 4, severity: 'critical', lastPaneMs: T0 + 90_000 })]);
      await store.putEpisodes([episode({ uid: 'b', revision: 4, severity: 'low', isOpen: false })]);
      const counts = { open: 1, total: 2, bySeverity: { ...none, low: 1, critical: 1 } };
      expect(await store.counts()).toEqual(counts);
      await reopen();
      expect(await store.counts()).toEqual(counts);
      expect(await listAll({}, 10)).toEqual(['a', 'b']);
    });
  });
}
