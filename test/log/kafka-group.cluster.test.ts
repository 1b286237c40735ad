import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { joinGroup, type GroupMember } from '../../log/kafka/group.ts';
import { keyOf, type TopicPartition } from '../../log/kafka/group-assign.ts';
import { kafkaBrokers, kafkaConfig } from './kafka.fixture.ts';

const brokers = kafkaBrokers();
const TOPICS = [
  { name: 'events', partitions: 4 },
  { name: 'partials', partitions: 2 },
];
const ALL = ['events/0', 'events/1', 'events/2', 'events/3', 'partials/0', 'partials/1'];

describe.skipIf(!brokers)('membership of a group', () => {
  let kafka: ReturnType<typeof kafkaConfig>;
  let members: TestMember[];
  let processes: ChildProcess[];

  beforeEach(() => {
    kafka = kafkaConfig(brokers!);
    members = [];
    processes = [];
  });

  afterEach(async () => {
    for (const child of processes) child.kill('SIGKILL');
    for (const { member } of members) await member?.leave();
  });

  async function join(options: Partial<TestMember> = {}): Promise<TestMember> {
    const own: TestMember = { has: new Set(), changes: [], lost: 0, ...options };
    own.member = await joinGroup({
      kafka,
      groupId: 'members',
      topics: TOPICS,
      ...kafka.group,
      async onAssigned({ added, removed }) {
        own.changes.push({ added: added.map(keyOf), removed: removed.map(keyOf) });
        if (removed.length > 0) await own.beforeRelease?.();
        for (const place of removed) own.has.delete(keyOf(place));
        for (const place of added) {
          // Nobody else in this process may hold it at this moment.
          for (const other of members) if (other !== own && other.has.has(keyOf(place))) overlaps.push(keyOf(place));
          own.has.add(keyOf(place));
        }
      },
      onLost() {
        own.lost++;
        own.has.clear();
      },
      onFailed: (error) => expect.fail(String(error)),
    });
    members.push(own);
    return own;
  }

  const overlaps: string[] = [];

  function startProcess(): { child: ChildProcess; lines: ProcessLine[] } {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/log/kafka-group-member.ts', brokers!.join(','), kafka.prefix, JSON.stringify(TOPICS)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    processes.push(child);
    const lines: ProcessLine[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as ProcessLine));
    return { child, lines };
  }

  const held = () =>
    members
      .map(({ has }) => [...has])
      .flat()
      .sort();
  const sizes = () => members.map(({ has }) => has.size).sort();

  it('gives one member everything', async () => {
    await join();
    await until(() => held().length === 6);
    expect(held()).toEqual(ALL);
  });

  it('deals out anew from one to three members and back, evenly, and leaves alone what stays', async () => {
    const first = await join();
    await until(() => first.has.size === 6);
    await join();
    await until(() => sizes().join() === '3,3');
    await join();
    await until(() => sizes().join() === '2,2,2');
    expect(held()).toEqual(ALL);
    const kept = [...first.has];
    expect(first.changes.flatMap(({ added }) => added)).toHaveLength(6);
    for (const place of kept) expect(first.changes.some(({ removed }) => removed.includes(place))).toBe(false);
    const startedMs = Date.now();
    for (const other of members.splice(1)) await other.member!.leave();
    await until(() => first.has.size === 6);
    expect(Date.now() - startedMs).toBeLessThan(5000);
    expect(overlaps).toEqual([]);
    expect(first.lost).toBe(0);
  });

  it('gives a partition to another member only after its holder has let go of it', async () => {
    let letGo = (): void => undefined;
    const first = await join({ beforeRelease: () => new Promise<void>((resolve) => (letGo = resolve)) });
    await until(() => first.has.size === 6);
    const second = await join();
    await until(() => first.changes.length === 2);
    await sleep(2500);
    expect(second.has.size).toBe(0);
    expect(first.has.size).toBe(6);
    letGo();
    await until(() => second.has.size === 3);
    expect(held()).toEqual(ALL);
    expect(overlaps).toEqual([]);
  });

  it('gives the partitions of a killed process to the others within its session', async () => {
    const { child, lines } = startProcess();
    await until(() => lines.at(-1)?.partitions?.length === 6, 20_000);
    const own = await join();
    await until(() => own.has.size === 3);
    const killedMs = Date.now();
    child.kill('SIGKILL');
    await until(() => own.has.size === 6, 20_000);
    const tookMs = Date.now() - killedMs;
    console.info(`killed to taken over: ${tookMs} ms with a session of ${kafka.group.sessionTimeoutMs} ms`);
    expect(tookMs).toBeLessThan(kafka.group.sessionTimeoutMs + 4000);
  });

  it('tells a process that was frozen past its session that it has lost everything, and takes it in again', async () => {
    const { child, lines } = startProcess();
    await until(() => lines.at(-1)?.partitions?.length === 6, 20_000);
    const own = await join();
    await until(() => own.has.size === 3);
    child.kill('SIGSTOP');
    await until(() => own.has.size === 6, 20_000);
    const before = lines.length;
    child.kill('SIGCONT');
    await until(() => own.has.size === 3 && lines.at(-1)?.added?.length === 3, 20_000);
    expect(lines[before]).toEqual({ lost: true });
  });
});

interface TestMember {
  member?: GroupMember;
  readonly has: Set<string>;
  readonly changes: { added: string[]; removed: string[] }[];
  lost: number;
  beforeRelease?: () => Promise<void>;
}

interface ProcessLine {
  readonly partitions?: TopicPartition[];
  readonly added?: TopicPartition[];
  readonly lost?: boolean;
}

async function until(condition: () => boolean, timeoutMs = 15_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !condition();) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await sleep(50);
  }
}
