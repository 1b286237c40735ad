import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Episode } from '../../alerts/alert.ts';
import { episodesSchema } from '../../alerts/episode-config.ts';
import { Episodes } from '../../alerts/episodes.ts';
import { compareFindings, type Finding, uidOf } from '../../model/finding.ts';
import { finding, T0 } from './samples.ts';

const PANE = 10_000;
const MINUTE = 60_000;
const OPTIONS = episodesSchema.parse({});

function silence(changes: Partial<Finding> = {}): Finding {
  return finding({
    detector: 'silence',
    entityKind: 'device',
    entity: 'pump-1',
    ratio: 1,
    contributions: [],
    ...changes,
  });
}

/** What stage 2 does: takes a pane's findings, then moves time to the pane's end. */
function feed(episodes: Episodes, findings: readonly Finding[]): void {
  for (const paneMs of [...new Set(findings.map((one) => one.paneMs))].sort((a, b) => a - b)) {
    episodes.advance(paneMs);
    episodes.take(findings.filter((one) => one.paneMs === paneMs).sort(compareFindings));
    episodes.advance(paneMs + PANE);
  }
}

function only(episodes: Episodes): Episode {
  const changed = episodes.takeChanged();
  expect(changed).toHaveLength(1);
  return changed[0]!;
}

describe('an episode', () => {
  it('opens with its first finding, under a uid of entity, family and first pane', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [finding({ sinceMs: T0 - 30_000 })]);
    expect(only(episodes)).toEqual({
      uid: uidOf('10.0.0.5', 'denial-of-service', T0),
      revision: 1,
      family: 'denial-of-service',
      entityKind: 'host',
      entity: '10.0.0.5',
      isOpen: true,
      severity: 'high',
      confidence: 0.93,
      sinceMs: T0 - 30_000,
      firstPaneMs: T0,
      lastPaneMs: T0,
      findingCount: 1,
      detectors: ['flood-ceiling'],
      evidence: [finding({ sinceMs: T0 - 30_000 })],
    });
    expect(episodes.takeChanged()).toEqual([]);
  });

  it('is one for several detectors of a family, and another for another family or entity', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [
      finding(),
      finding({ detector: 'rate-cusum', ratio: 2 }),
      finding({ family: 'data-loss', detector: 'outbound-volume' }),
      finding({ entity: '10.0.0.6' }),
    ]);
    const changed = episodes.takeChanged();
    expect(changed.map((one) => one.uid)).toEqual(changed.map((one) => one.uid).sort());
    expect(changed.map((one) => one.detectors.join()).sort()).toEqual([
      'flood-ceiling',
      'flood-ceiling,rate-cusum',
      'outbound-volume',
    ]);
  });

  it('closes when its family has been quiet for long enough, at that time of the log', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [finding(), finding({ paneMs: T0 + PANE })]);
    episodes.takeChanged();
    const dueMs = T0 + 2 * PANE + 10 * MINUTE;
    expect(episodes.nextDue()).toBe(dueMs);
    episodes.advance(dueMs - 1);
    expect(episodes.takeChanged()).toEqual([]);
    episodes.advance(dueMs + 5 * MINUTE);
    expect(only(episodes)).toMatchObject({ isOpen: false, closedMs: dueMs, revision: 3, findingCount: 2 });
    expect(episodes.nextDue()).toBe(Infinity);
  });

  it.each([
    ['denial-of-service', 10],
    ['data-loss', 75],
    ['data-corruption', 60],
  ] as const)('of %s is quiet after %d minutes', (family, minutes) => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [finding({ family })]);
    expect(episodes.nextDue()).toBe(T0 + PANE + minutes * MINUTE);
  });

  it('goes on with a finding in the last pane before it is due, and is a new one with the pane after', () => {
    const dueMs = T0 + PANE + 10 * MINUTE;
    const going = new Episodes(OPTIONS);
    going.take([finding()]);
    going.take([finding({ paneMs: dueMs - PANE })]);
    expect(only(going)).toMatchObject({ isOpen: true, findingCount: 2 });

    // Without a call of advance in between: the findings alone decide.
    const ended = new Episodes(OPTIONS);
    ended.take([finding()]);
    ended.take([finding({ paneMs: dueMs })]);
    const [one, other] = ended.takeChanged().sort((a, b) => a.firstPaneMs - b.firstPaneMs);
    expect(one).toMatchObject({ isOpen: false, closedMs: dueMs });
    expect(other).toMatchObject({ isOpen: true, firstPaneMs: dueMs, revision: 1 });
  });

  it('keeps the strongest finding of each detector and metric, eight at most, strongest first', () => {
    const episodes = new Episodes(OPTIONS);
    const found = Array.from({ length: 12 }, (_, i) =>
      finding({ detector: 'reading-range', metric: `m${i}`, ratio: 1 + ((i * 5) % 12), family: 'data-corruption' }),
    );
    feed(episodes, [...found, finding({ ...found[0]!, uid: 'again', paneMs: T0 + PANE, ratio: 30 })]);
    const { evidence, findingCount } = only(episodes);
    expect(findingCount).toBe(13);
    expect(evidence.map((one) => one.ratio)).toEqual([30, 12, 11, 10, 9, 8, 7, 6]);
    expect(evidence[0]!.uid).toBe('again');
  });

  it('grows in severity with ratio, agreement and duration', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [finding({ ratio: 1.2 })]);
    expect(only(episodes).severity).toBe('low');
    feed(episodes, [finding({ ratio: 1, paneMs: T0 + PANE, detector: 'rate-cusum' })]);
    expect(only(episodes).severity).toBe('medium');
    feed(episodes, [finding({ ratio: 1.1, paneMs: T0 + 2 * PANE, sinceMs: T0 - 30 * MINUTE })]);
    expect(only(episodes).severity).toBe('high');
    feed(episodes, [finding({ ratio: 7, paneMs: T0 + 3 * PANE })]);
    expect(only(episodes).severity).toBe('critical');
  });

  it('closes with the pane of its recovery where nothing else keeps it open', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [finding({ detector: 'rate-cusum' })]);
    episodes.takeChanged();
    feed(episodes, [finding({ detector: 'rate-cusum', paneMs: T0 + 60_000, recovered: true })]);
    expect(only(episodes)).toMatchObject({ isOpen: false, closedMs: T0 + 70_000, revision: 3, findingCount: 1 });
  });

  it('stays open after a recovery as long as another detector was not quiet', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [
      finding(),
      finding({ detector: 'rate-cusum', paneMs: T0 + PANE }),
      finding({ detector: 'rate-cusum', paneMs: T0 + 3 * PANE, recovered: true }),
    ]);
    expect(only(episodes)).toMatchObject({ isOpen: true, revision: 3, lastPaneMs: T0 + 3 * PANE });
    expect(episodes.nextDue()).toBe(T0 + PANE + 10 * MINUTE);
  });

  it('takes a finding of the same pane that comes after a recovery as its own', () => {
    const episodes = new Episodes(OPTIONS);
    const about = { detector: 'reading-range', family: 'data-corruption', entity: 'pump-1' } as const;
    feed(episodes, [
      finding({ ...about, metric: 'a' }),
      finding({ ...about, metric: 'a', paneMs: T0 + PANE, recovered: true }),
      finding({ ...about, metric: 'b', paneMs: T0 + PANE }),
    ]);
    expect(only(episodes)).toMatchObject({ isOpen: true, findingCount: 2, revision: 3 });
  });

  it('of silence stays open until recovery, however long that takes', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [silence()]);
    expect(only(episodes).severity).toBe('medium');
    expect(episodes.nextDue()).toBe(Infinity);
    episodes.advance(T0 + 30 * 86_400_000);
    expect(episodes.takeChanged()).toEqual([]);
    const backMs = T0 + 31 * 86_400_000;
    feed(episodes, [silence({ paneMs: backMs, recovered: true })]);
    expect(only(episodes)).toMatchObject({
      isOpen: false,
      closedMs: backMs + PANE,
      lastPaneMs: backMs,
      severity: 'medium',
    });
  });

  it('is not made by a recovery, nor changed by one that it has no reason from', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [silence({ recovered: true })]);
    expect(episodes.takeChanged()).toEqual([]);
    feed(episodes, [finding(), finding({ detector: 'rate-cusum', paneMs: T0 + PANE, recovered: true })]);
    expect(only(episodes)).toMatchObject({ revision: 1, isOpen: true });
  });

  it('is closed by the end of the input, quiet ones at their own time', () => {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, [finding(), silence({ paneMs: T0 + 5 * MINUTE })]);
    episodes.end(T0 + 20 * MINUTE);
    const closed = episodes.takeChanged();
    expect(closed.map((one) => one.closedMs).sort()).toEqual([T0 + PANE + 10 * MINUTE, T0 + 20 * MINUTE]);
    expect(episodes.size).toBe(0);
  });

  it('is closed when too many are open: the tenth that has been quiet for longest', () => {
    const episodes = new Episodes(episodesSchema.parse({ maxOpen: 20 }));
    feed(
      episodes,
      Array.from({ length: 21 }, (_, i) => finding({ entity: `10.0.0.${i}`, paneMs: T0 + i * PANE })),
    );
    expect(episodes.size).toBe(19);
    expect(episodes.counters).toMatchObject({ opened: 21, closed: 2, forced: 2 });
    const closed = episodes.takeChanged().filter((one) => !one.isOpen);
    expect(closed.map((one) => one.entity).sort()).toEqual(['10.0.0.0', '10.0.0.1']);
  });
});

describe('the state machine', () => {
  const someFindings = fc
    .array(
      fc.record({
        pane: fc.integer({ min: 0, max: 200 }),
        detector: fc.constantFrom('flood-ceiling', 'rate-cusum', 'silence'),
        entity: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
        family: fc.constantFrom('denial-of-service' as const, 'data-loss' as const),
        ratio: fc.double({ min: 1, max: 40, noNaN: true }),
        recovered: fc.boolean(),
      }),
      { maxLength: 40 },
    )
    .map((list) =>
      list
        .map(({ pane, recovered, ...rest }) =>
          finding({ ...rest, paneMs: T0 + pane * PANE, ...(recovered ? { recovered } : {}) }),
        )
        .sort(compareFindings),
    );

  /** The last state of each episode. */
  function finalStates(taken: readonly Episode[]): Episode[] {
    return [...new Map(taken.map((one) => [one.uid, one])).values()].sort((a, b) => (a.uid < b.uid ? -1 : 1));
  }

  function runWhole(findings: readonly Finding[]): Episode[] {
    const episodes = new Episodes(OPTIONS);
    feed(episodes, findings);
    episodes.end(T0 + 300 * PANE);
    return finalStates(episodes.takeChanged());
  }

  it('gives the same, revisions too, however it is cut into calls', () => {
    fc.assert(
      fc.property(someFindings, fc.array(fc.boolean()), (findings, takes) => {
        const episodes = new Episodes(OPTIONS);
        const taken: Episode[] = [];
        let call = 0;
        for (const one of findings) {
          // One finding a call, sometimes with time moved on, sometimes with what changed taken.
          episodes.take([one]);
          if (takes[call++]) taken.push(...episodes.takeChanged());
        }
        episodes.end(T0 + 300 * PANE);
        taken.push(...episodes.takeChanged());
        expect(finalStates(taken)).toEqual(runWhole(findings));
      }),
    );
  });

  it('goes on from its saved state as if nothing had happened', () => {
    fc.assert(
      fc.property(someFindings, fc.nat(40), (findings, cut) => {
        const before = new Episodes(OPTIONS);
        before.take(findings.slice(0, cut));
        const after = new Episodes(OPTIONS);
        after.restore(JSON.parse(JSON.stringify(before.save())));
        expect(after.digest()).toEqual(before.digest());
        expect(after.nextDue()).toBe(before.nextDue());
        after.take(findings.slice(cut));
        after.end(T0 + 300 * PANE);
        expect(finalStates(after.takeChanged())).toEqual(runWhole(findings));
      }),
    );
  });

  it('raises a revision with every change', () => {
    fc.assert(
      fc.property(someFindings, (findings) => {
        const episodes = new Episodes(OPTIONS);
        const revisions = new Map<string, number>();
        for (const one of findings) {
          episodes.take([one]);
          for (const { uid, revision } of episodes.takeChanged()) {
            expect(revision).toBeGreaterThan(revisions.get(uid) ?? 0);
            revisions.set(uid, revision);
          }
        }
      }),
    );
  });

  it('refuses what is not its saved state', () => {
    expect(() => new Episodes(OPTIONS).restore({ version: 2 })).toThrow(/not the saved state/);
  });

  it('refuses an unknown key of its configuration by name', () => {
    expect(() => episodesSchema.parse({ quietMs: { 'data-los': 1 } })).toThrow(/data-los/);
  });
});
