import { describe, expect, it } from 'vitest';
import { Output } from '../../cli/output.ts';
import { adviceOf } from '../../cli/topology/advice.ts';
import { type Look, sharedRoles, type TopologyFacts } from '../../cli/topology/facts.ts';
import { printTopology } from '../../cli/topology/print.ts';
import { viewOf } from '../../cli/topology/view.ts';
import { parseConfig } from '../../config/load.ts';
import type { GroupDescription } from '../../log/kafka/group-description.ts';
import { HighWater } from '../../olap/high-water.ts';
import { Captured } from './command-fixture.ts';
import { topology } from './topology-fixture.ts';

const AT_MS = Date.UTC(2026, 0, 1, 12);
const IDLE_NOTE = new HighWater(1).note();
const CHECKPOINT_MS = 30_000;
const FIRST_ID = 'vedette-0b1c2d3e-1111-4222-8333-444455556666';
const SECOND_ID = 'vedette-9a8b7c6d-1111-4222-8333-444455556666';

function group(name: string, members: Readonly<Record<string, readonly string[]>>, state = 'Stable'): GroupDescription {
  return {
    groupId: `v.${name}`,
    state,
    members: Object.entries(members).map(([memberId, places]) => ({
      memberId,
      clientId: 'vedette',
      host: '10.0.0.5',
      partitions: places.map((place) => {
        const [topic = '', partition] = place.split('/');
        return { topic, partition: Number(partition) };
      }),
    })),
  };
}

/** Two partitions of events as the sink stands to them, and none of other topics. */
function look(ends: readonly number[], committed: readonly (number | undefined)[], note = IDLE_NOTE): Look {
  return {
    bounds: ends.map((end, partition) => ({ topic: 'events', partition, bounds: { earliest: 0, end } })),
    positions: ['sink', 'stream'].flatMap((name) =>
      committed.map((offset, partition) => ({
        ...{ group: name, topic: 'events', partition, epoch: 3 },
        ...(offset !== undefined && { offset, metadata: note }),
      })),
    ),
  };
}

function facts(changed: Partial<TopologyFacts>): TopologyFacts {
  const places = ['events/0', 'events/1'];
  const last = changed.last ?? look([10, 10], [10, 10]);
  return {
    atMs: AT_MS,
    overMs: 2000,
    roles: sharedRoles(parseConfig({})),
    first: last,
    last,
    groups: new Map([
      ['stream-workers', group('stream-workers', { [FIRST_ID]: places })],
      ['sink-workers', group('sink-workers', { [FIRST_ID]: places })],
    ]),
    checkpoints: new Map(),
    raw: [],
    problems: [],
    ...changed,
  };
}

function adviceOn(changed: Partial<TopologyFacts>): string[] {
  const given = facts(changed);
  const view = viewOf(given, { checkpointMs: CHECKPOINT_MS });
  // Only some topics are in these facts: that others are missing is not what is looked at.
  const all = { ...view, roles: view.roles.map((role) => ({ ...role, missing_topics: [] })) };
  return adviceOf(all, { problems: given.problems, checkpointMs: CHECKPOINT_MS, partitions: 2 });
}

function roleOf(changed: Partial<TopologyFacts>, name: 'stream' | 'sink') {
  return viewOf(facts(changed), { checkpointMs: CHECKPOINT_MS }).roles.find(({ role }) => role === name)!;
}

describe('topology', () => {
  it('shows the mirror where the configuration asks for it', () => {
    expect(viewOf(facts({}), { checkpointMs: CHECKPOINT_MS }).roles.map(({ role }) => role)).toEqual([
      'stream',
      'sink',
    ]);
    const roles = sharedRoles(parseConfig({ kafka: { mirror: { enabled: true } } }));
    const last = look([10, 12], []);
    const positions = [{ group: 'mirror', topic: 'events', partition: 1, epoch: 2, offset: 5, metadata: '' }];
    const groups = new Map([['mirror-workers', group('mirror-workers', { [FIRST_ID]: ['events/1'] })]]);
    const given = facts({ roles, groups, last: { ...last, positions } });
    const mirror = viewOf(given, { checkpointMs: CHECKPOINT_MS }).roles.find(({ role }) => role === 'mirror')!;
    expect(mirror.partitions.map(({ partition, owner, lag }) => [partition, owner, lag])).toEqual([
      [0, undefined, 10],
      [1, 'vedette-0b1c2d3e', 7],
    ]);
    expect(adviceOn({ ...given, groups: new Map([['mirror-workers', group('mirror-workers', {})]]) })).toContainEqual(
      expect.stringMatching(/^no worker of the role mirror runs, and 17 records wait/),
    );
  });

  it('gives each partition its owner by a short name, its lag and its epoch', () => {
    const groups = new Map([['sink-workers', group('sink-workers', { [FIRST_ID]: ['events/1'], [SECOND_ID]: [] })]]);
    const { members, partitions } = roleOf({ groups, last: look([10, 12], [4, undefined]) }, 'sink');
    expect(members.map(({ name, partitions: count }) => [name, count])).toEqual([
      ['vedette-0b1c2d3e', 1],
      ['vedette-9a8b7c6d', 0],
    ]);
    expect(partitions).toMatchObject([
      { topic: 'events', partition: 0, committed: 4, end: 10, lag: 6, epoch: 3 },
      { topic: 'events', partition: 1, owner: 'vedette-0b1c2d3e', end: 12, lag: 12, epoch: 3 },
    ]);
    expect(partitions[0]).not.toHaveProperty('owner');
  });

  it('writes a name in full where the short ones are the same', () => {
    const twin = FIRST_ID.replace(/6$/, '7');
    const groups = new Map([['sink-workers', group('sink-workers', { [FIRST_ID]: [], [twin]: [] })]]);
    expect(roleOf({ groups }, 'sink').members.map(({ name }) => name)).toEqual([FIRST_ID, twin]);
  });

  it('has nothing to advise where all is read and owned', () => {
    expect(adviceOn({})).toEqual([]);
  });

  it('asks for a worker where none of the role runs, and says how much waits', () => {
    const groups = new Map([
      ['stream-workers', group('stream-workers', {}, 'Empty')],
      ['sink-workers', group('sink-workers', { [FIRST_ID]: ['events/0', 'events/1'] })],
    ]);
    expect(adviceOn({ groups, last: look([10, 12], [4, 10]) })).toEqual([
      'no worker of the role stream runs, and 8 records wait: start one with `vedette run --role stream`',
    ]);
  });

  it('asks to look again while partitions are dealt out, and where one has no owner', () => {
    const of = (state: string) => [
      ['stream-workers', group('stream-workers', { [FIRST_ID]: ['events/0'] }, state)] as const,
    ];
    expect(adviceOn({ groups: new Map(of('PreparingRebalance')) })[0]).toMatch(/is dealing its partitions out/);
    expect(adviceOn({ groups: new Map(of('Stable')) })[0]).toMatch(/^stream: nobody has events\/1: /);
  });

  it('says that a lag grows only of what falls behind further than what has just come in', () => {
    const grows = (first: Look, last: Look) => roleOf({ first, last }, 'sink').partitions[0]?.is_growing;
    // Came in: 10. Read: 5 of 100 that waited.
    expect(grows(look([100], [0]), look([110], [5]))).toBe(true);
    // All that waits has come in since the first look.
    expect(grows(look([100], [99]), look([110], [103]))).toBe(false);
    expect(grows(look([100], [0]), look([110], [50]))).toBe(false);
  });

  it('counts a sink that holds still with a batch in hand as behind, and one without as waiting for rows', () => {
    const grows = (note: string) =>
      roleOf({ first: look([100], [0], note), last: look([110], [0], note) }, 'sink').partitions[0]?.is_growing;
    expect(grows(new HighWater(1).note({ first: 0, last: 9 }))).toBe(true);
    expect(grows(IDLE_NOTE)).toBe(false);
  });

  it('says nothing of the growth of a stage in a look that is shorter than the time between its checkpoints', () => {
    const [first, last] = [look([100], [0]), look([110], [0])];
    expect(roleOf({ first, last, overMs: 2000 }, 'stream').partitions[0]).not.toHaveProperty('is_growing');
    expect(roleOf({ first, last, overMs: CHECKPOINT_MS }, 'stream').partitions[0]?.is_growing).toBe(true);
  });

  it('asks for another worker where a lag grows, unless there are as many as partitions', () => {
    const [first, last] = [look([100, 10], [0, 10]), look([110, 10], [5, 10])];
    expect(adviceOn({ first, last })).toEqual([
      expect.stringMatching(/^sink: lag grows in events\/0: start another worker with `vedette run --role sink`/),
    ]);
    const places = { [FIRST_ID]: ['events/0'], [SECOND_ID]: ['events/1'] };
    const groups = new Map([['sink-workers', group('sink-workers', places)]]);
    expect(adviceOn({ first, last, groups })[0]).toMatch(/as many workers as partitions/);
  });

  it('tells of a checkpoint older than five minutes only while records wait', () => {
    const checkpoints = new Map([
      ['stage1-0', { key: 'stage1-0', epoch: 2, sequence: 7, committedMs: AT_MS - 400_000, sizeBytes: 454 }],
    ]);
    expect(adviceOn({ checkpoints })).toEqual([]);
    expect(adviceOn({ checkpoints, last: look([11, 10], [10, 10]) })).toEqual([
      expect.stringMatching(/^stream: records wait in events\/0, .* up to 7 min old: .*vedette-0b1c2d3e/),
    ]);
  });

  it('tells of records that were deleted before they were read', () => {
    const last: Look = {
      ...look([10, 10], [4, 10]),
      bounds: [{ topic: 'events', partition: 0, bounds: { earliest: 7, end: 10 } }],
    };
    expect(adviceOn({ last })).toContainEqual(
      expect.stringMatching(/^sink: 3 records of events\/0 were deleted by age/),
    );
    expect(roleOf({ last }, 'sink').partitions[0]?.lag).toBe(3);
  });

  it('shows what is known where a server does not tell, and says which', async () => {
    const problems = [
      { server: 'kafka', code: 'LOG_UNAVAILABLE', message: 'connect ECONNREFUSED' },
      { server: 'pulsar', code: 'RAW_LOG_UNAVAILABLE', message: 'no answer' },
    ] as const;
    const last: Look = { bounds: undefined, positions: look([], [4]).positions };
    const given = facts({ problems, last, first: last, groups: undefined, raw: undefined });
    const view = viewOf(given, { checkpointMs: CHECKPOINT_MS });
    const advice = adviceOf(view, { problems, checkpointMs: CHECKPOINT_MS, partitions: 1 });
    expect(advice.map((text) => text.slice(0, 20))).toEqual(['Kafka does not tell ', 'Pulsar does not tell']);
    const captured = new Captured();
    await printTopology(new Output(captured, {}), view, advice);
    expect(captured.text).toMatch(/events +0 +\? +4 +\? +\? +3/);
    expect(captured.text).toContain("Pulsar's admin interface does not answer");
    expect(captured.text).toContain('workers unknown');
  });

  it('marks a partition that nobody has, and a raw topic that nobody reads', async () => {
    const groups = new Map([['sink-workers', group('sink-workers', { [FIRST_ID]: ['events/0'] })]]);
    const raw = [{ name: 'raw-zeek', partitions: [{ partition: 0, messages: 8 }] }];
    const view = viewOf(facts({ groups, raw }), { checkpointMs: CHECKPOINT_MS });
    const captured = new Captured();
    await printTopology(new Output(captured, {}), view, ['do it']);
    expect(captured.text).toMatch(/events +1 +-- nobody -- +10/);
    expect(captured.text).toMatch(/raw-zeek +0 +8 +-- nobody --/);
    expect(captured.text).toContain('- do it');
    expect(adviceOn({ raw })).toEqual([
      'no worker of the role ingest reads raw-zeek, and 8 messages wait: start one with `vedette run --role ingest`',
    ]);
  });

  it('is refused in words where no cluster is named', async () => {
    const { exitCode, error } = await topology(['topology'], {});
    expect(exitCode).toBe(2);
    expect(String(error)).toContain('there is no cluster');
  });
});
