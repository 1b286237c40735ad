import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertFilter, AlertStore } from '../../alerts/alert.ts';
import { openCassandraAlertStore } from '../../alerts/cassandra/index.ts';
import { openCassandraOutbox } from '../../alerts/cassandra/outbox.ts';
import { createTestKeyspace, hasCassandra, type TestKeyspace } from '../cassandra/test-keyspace.ts';
import { describeAlertStore } from './alert-store.contract.ts';
import { describeOutbox } from './outbox.contract.ts';
import { episode, T0 } from './samples.ts';

const HOUR_MS = 3_600_000;
const TABLES = ['alerts', 'alert_triage', 'alert_index', 'alert_days'];

describe.skipIf(!hasCassandra)('alerts in Cassandra', () => {
  let keyspace: TestKeyspace;
  let outboxes = 0;
  const open = (): AlertStore => openCassandraAlertStore(keyspace.session);
  const empty = async (): Promise<void> => {
    for (const table of TABLES) await keyspace.session.command(`TRUNCATE ${keyspace.session.keyspace}.${table}`);
  };

  beforeAll(async () => {
    keyspace = await createTestKeyspace();
  });
  afterAll(() => keyspace.drop());

  async function listAll(store: AlertStore, filter: AlertFilter, limit: number): Promise<string[]> {
    const uids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list(filter, { limit, ...(cursor === undefined ? {} : { cursor }) });
      uids.push(...page.alerts.map((alert) => alert.episode.uid));
      cursor = page.next;
    } while (cursor !== undefined);
    return uids;
  }

  describeAlertStore('Cassandra', async () => ({ open: async () => open(), remove: empty }));

  describeOutbox('Cassandra', async () => {
    const name = `webhook-${++outboxes}`;
    return { open: () => openCassandraOutbox(keyspace.session, name), remove: () => Promise.resolve() };
  });

  it('keeps outboxes of different names apart', async () => {
    const [a, b] = ['a', 'b'].map((name) => openCassandraOutbox(keyspace.session, name));
    const delivery = { id: 'x', sequence: 1, alertUid: 'a', createdMs: 5, attempts: 0, notBeforeMs: 5, body: '' };
    await a!.put([delivery]);
    expect(await b!.pending()).toEqual([]);
    expect(await a!.pending()).toEqual([delivery]);
  });

  it('lists and counts thousands of alerts of many days, by pages that meet without a gap', async () => {
    const store = open();
    const episodes = Array.from({ length: 4000 }, (_, i) =>
      episode({
        uid: `u${String(i).padStart(4, '0')}`,
        firstPaneMs: T0 + (i % 40) * 7 * HOUR_MS,
        lastPaneMs: T0 + (i % 40) * 7 * HOUR_MS + Math.floor(i / 80) * 10_000,
        entity: `10.0.0.${i % 7}`,
        isOpen: i % 3 === 0,
        severity: i % 5 === 0 ? 'critical' : 'low',
      }),
    );
    for (let i = 0; i < episodes.length; i += 500) await store.putEpisodes(episodes.slice(i, i + 500));
    const sorted = [...episodes].sort((a, b) => b.lastPaneMs - a.lastPaneMs || (a.uid < b.uid ? -1 : 1));
    const uids = (of: (one: (typeof episodes)[number]) => boolean) => sorted.filter(of).map(({ uid }) => uid);
    expect(await listAll(store, {}, 1000)).toEqual(uids(() => true));
    expect(await listAll(store, {}, 333)).toEqual(uids(() => true));
    expect(await listAll(store, { entity: '10.0.0.3' }, 100)).toEqual(uids(({ entity }) => entity === '10.0.0.3'));
    expect(await listAll(store, { open: true, minSeverity: 'critical' }, 50)).toEqual(
      uids(({ isOpen, severity }) => isOpen && severity === 'critical'),
    );
    const sinceMs = T0 + 100 * HOUR_MS;
    expect(await listAll(store, { sinceMs, untilMs: sinceMs + 30 * HOUR_MS }, 100)).toEqual(
      uids((one) => one.lastPaneMs >= sinceMs && one.firstPaneMs < sinceMs + 30 * HOUR_MS),
    );
    const counts = { total: 4000, open: 1334, bySeverity: { informational: 0, low: 3200, medium: 0, high: 0, critical: 800 } }; // prettier-ignore
    expect(await store.counts()).toEqual(counts);
    // Another process, with what the first counted; and after a change by a third.
    const other = open();
    expect(await other.counts()).toEqual(counts);
    await open().putEpisodes([episode({ ...episodes[0]!, revision: 9, isOpen: false })]);
    expect(await other.counts()).toEqual({ ...counts, open: 1333 });
    expect(await listAll(other, { open: true }, 1000)).not.toContain(episodes[0]!.uid);
    await empty();
  }, 120_000);

  it('takes episodes of several workers at once', async () => {
    const stores = Array.from({ length: 4 }, open);
    await Promise.all(
      stores.map(async (store, worker) => {
        for (let revision = 1; revision <= 15; revision++)
          await store.putEpisodes(
            Array.from({ length: 10 }, (_, i) =>
              episode({ uid: `w${worker}-${i}`, revision, lastPaneMs: T0 + revision * 600_000 + worker * 10_000 }),
            ),
          );
      }),
    );
    const uids = await listAll(open(), {}, 7);
    expect(new Set(uids).size).toBe(40);
    expect(uids).toHaveLength(40);
    expect(await listAll(open(), { open: true }, 100)).toEqual(uids);
    expect(await open().counts()).toMatchObject({ total: 40, open: 40 });
    await empty();
  });

  it('ends with the highest revision where a zombie writes after its heir, in listings and counts too', async () => {
    const [zombie, heir] = [open(), open()];
    await zombie.putEpisodes([episode({ uid: 'e', revision: 1 })]);
    // Both have seen revision 1; the older one writes last.
    const moved = { uid: 'e', lastPaneMs: T0 + 30 * HOUR_MS };
    const puts = [
      heir.putEpisodes([episode({ ...moved, revision: 5, isOpen: false, severity: 'critical' })]),
      zombie.putEpisodes([episode({ uid: 'e', revision: 2, lastPaneMs: T0 + 2 * HOUR_MS })]),
      zombie.putEpisodes([episode({ uid: 'e', revision: 4, lastPaneMs: T0 + 8 * HOUR_MS })]),
    ];
    await Promise.all(puts);
    expect((await open().get('e'))!.episode.revision).toBe(5);
    expect(await listAll(open(), {}, 10)).toEqual(['e']);
    expect(await listAll(open(), { open: true }, 10)).toEqual([]);
    expect(await open().counts()).toMatchObject({ total: 1, open: 0, bySeverity: { critical: 1, high: 0 } });
    await empty();
  });

  it('repeats what a process began and did not end', async () => {
    const { session } = keyspace;
    const store = open();
    await store.putEpisodes([episode({ uid: 'e', revision: 1 })]);
    // Dead before the episode itself was written: the index is ahead of it.
    await session.write(
      `INSERT INTO ${session.keyspace}.alert_index (scope, day, hour, uid, entry) VALUES ('all', ?, 5, 'e', ?) USING TIMESTAMP 2`,
      [
        Math.floor(T0 / 86_400_000),
        JSON.stringify({ revision: 2, lastPaneMs: T0 + 5 * HOUR_MS, detectors: [], rank: 3 }),
      ],
    );
    expect(await listAll(store, {}, 10)).toEqual(['e']);
    const again = episode({ uid: 'e', revision: 2, lastPaneMs: T0 + 5 * HOUR_MS });
    expect(await store.putEpisodes([again])).toEqual([again]);
    expect((await store.list({}, { limit: 10 })).alerts.map((alert) => alert.episode)).toEqual([again]);
    await empty();
  });

  it('gives an entity of any name its listing', async () => {
    const store = open();
    const names = ['', 'x'.repeat(70_000), 'ä\u0000"\'', 'all', '../..'];
    await store.putEpisodes(names.map((entity, i) => episode({ uid: `u${i}`, entity })));
    for (const [i, entity] of names.entries()) expect(await listAll(store, { entity }, 10)).toEqual([`u${i}`]);
    await empty();
  });
});
