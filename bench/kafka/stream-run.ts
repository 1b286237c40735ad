import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClusterServers } from '../../cli/compose-cluster.ts';
import { ALERTS_TOPIC, FINDINGS_TOPIC } from '../../cli/topics.ts';
import type { Config } from '../../config/schema.ts';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../../stream/stage-workers.ts';
import { pause } from '../measure.ts';
import type { DecodeResult } from './decode-worker.ts';
import { FLOWS_TOPIC } from './job-run.ts';
import { ServerClock, stretches, type Stretch } from '../cluster/processes.ts';
import { resetTopics } from './reset-topics.ts';
import type { OwnedPartition, RoleResult } from '../cluster/role-worker.ts';
import { withWorkers, Worker } from '../cluster/worker-link.ts';

const WORKERS = 2;
const POLL_MS = 50;
const LIMIT_MS = 3_600_000;
/** The stages write a row for every host whose minute was judged. */
const JUDGED_MINUTES = 'host_features_1m';

export interface StagesRun {
  readonly whole: Stretch;
  readonly secondHalf: Stretch;
  readonly brokerSeconds: number;
  readonly cassandraSeconds: number;
  /** Hosts judged at the end of their minutes, and targets at the end of panes and minutes. */
  readonly judgedMinutes: number;
  readonly judgedTargets: number;
  readonly findings: number;
  readonly alerts: number;
  readonly checkpoints: number;
  readonly peakMb: number;
}

interface Servers {
  readonly kafka: number;
  readonly cassandra: number;
}

/** Both stages over the filled topic, in two workers that share it by Kafka's group, from nothing. */
export async function measureStages(run: {
  readonly script: string;
  readonly config: Config;
  readonly events: number;
  readonly pids: Servers;
}): Promise<StagesRun> {
  const { script, config, events, pids } = run;
  await resetTopics(config.kafka, [EVENTS_TOPIC, FLOWS_TOPIC]);
  const closers: (() => Promise<unknown>)[] = [];
  const broker = new ServerClock(pids.kafka);
  const cassandra = new ServerClock(pids.cassandra);
  try {
    // Opened here first: workers that begin at once must not both make the tables and topics.
    const { log } = await openClusterServers({ config, onNotice: () => undefined }, closers);
    const started = Array.from({ length: WORKERS }, (_, i) => {
      const dataDir = join(tmpdir(), `${config.kafka.prefix}-${i}`);
      return new Worker<RoleResult>(script, 'stages', { config, roles: ['stream'], dataDir });
    });
    return await withWorkers(started, async (workers) => {
      const endMs = await untilSettled(workers, log);
      for (const worker of workers) worker.tell('stop');
      const results = await Promise.all(workers.map(({ result }) => result));
      const { whole, secondHalf } = stretches(
        workers.map(({ samples }) => samples.filter(({ atMs }) => atMs <= endMs)),
        endMs,
      );
      await boundsKnown(log, config.kafka.boundsMs);
      if (whole.events !== events) throw new Error(`the stages took ${whole.events} of ${events} events`);
      return {
        whole,
        secondHalf,
        brokerSeconds: broker.secondsBetween(whole.fromMs, whole.toMs),
        cassandraSeconds: cassandra.secondsBetween(whole.fromMs, whole.toMs),
        judgedMinutes: await countRows(log, JUDGED_MINUTES),
        judgedTargets: whole.evaluations,
        findings: log.bounds(FINDINGS_TOPIC, 0).end,
        alerts: log.bounds(ALERTS_TOPIC, 0).end,
        checkpoints: results.reduce((sum, { checkpoints }) => sum + checkpoints, 0),
        peakMb: results.reduce((sum, { peakMb }) => sum + peakMb, 0),
      };
    });
  } finally {
    broker.stop();
    cassandra.stop();
    for (const close of closers.reverse()) await close();
  }
}

/** Resolves with the moment at which every record of both topics had all its effects stored. */
async function untilSettled(workers: readonly Worker<unknown>[], log: KafkaLog): Promise<number> {
  const until = performance.now() + LIMIT_MS;
  let ended = false;
  const failed = Promise.all(workers.map(({ result }) => result)).finally(() => (ended = true));
  failed.catch(() => undefined);
  const ends = (topic: string): number[] =>
    Array.from({ length: log.partitions(topic) }, (_, partition) => log.bounds(topic, partition).end);
  while (performance.now() < until) {
    if (ended) await failed;
    const first = settledAt(workers, 1, ends(EVENTS_TOPIC));
    if (first !== undefined) {
      // What the first stage wrote last is known here a moment later.
      await pause(POLL_MS);
      await refreshed(log);
      const second = settledAt(workers, 2, ends(PARTIALS_TOPIC));
      if (second !== undefined) return Math.max(first, second);
    }
    await pause(POLL_MS);
  }
  throw new Error(`the stages did not come to the end of the log: ${JSON.stringify(workers.map(({ last }) => last))}`);
}

/** Reads at the ends, which brings the bounds up to date. */
async function refreshed(log: KafkaLog): Promise<void> {
  for (let partition = 0; partition < log.partitions(PARTIALS_TOPIC); partition++)
    await log.read(PARTIALS_TOPIC, partition, log.bounds(PARTIALS_TOPIC, partition).end, { maxBytes: 1 });
}

/** Waits until what others have appended shows: bounds are asked for only where somebody looks at them. */
async function boundsKnown(log: KafkaLog, everyMs: number): Promise<void> {
  for (const topic of [JUDGED_MINUTES, ALERTS_TOPIC, FINDINGS_TOPIC]) log.bounds(topic, 0);
  await pause(everyMs * 3);
}

/** When the last of a stage's partitions had come to its end; undefined while one has not. */
function settledAt(workers: readonly Worker<unknown>[], stage: 1 | 2, ends: readonly number[]): number | undefined {
  let last = -Infinity;
  for (const [partition, end] of ends.entries()) {
    const at = Math.min(
      ...workers.map(({ samples }) => {
        const owns = samples.at(-1)?.state as readonly OwnedPartition[] | undefined;
        const isThere = (each: OwnedPartition): boolean =>
          each.stage === stage && each.partition === partition && each.settled >= end;
        if (end > 0 && owns?.some(isThere) !== true) return Infinity;
        return (
          samples.find(({ state }) => end === 0 || (state as readonly OwnedPartition[]).some(isThere))?.atMs ?? Infinity
        );
      }),
    );
    if (at === Infinity) return undefined;
    last = Math.max(last, at);
  }
  return last;
}

/** Rows of a topic's records, which are ClickHouse Native blocks: columns and rows as varints, then the columns. */
async function countRows(log: KafkaLog, topic: string): Promise<number> {
  let rows = 0;
  for (let next = 0; next < log.bounds(topic, 0).end;) {
    for (const { offset, data } of await log.read(topic, 0, next, { maxBytes: 4 << 20 })) {
      let at = 0;
      while (data[at]! >= 0x80) at++;
      at++;
      let shift = 0;
      for (; data[at]! >= 0x80; shift += 7) rows += (data[at++]! & 127) * 2 ** shift;
      rows += data[at]! * 2 ** shift;
      next = offset + 1;
    }
  }
  return rows;
}

export interface DecodeRun {
  readonly whole: Stretch;
  readonly secondHalf: Stretch;
  readonly brokerSeconds: number;
  readonly peakMb: number;
}

/** The consumer beside it, in as many processes. */
export async function measureDecode(run: {
  readonly script: string;
  readonly config: Config;
  readonly events: number;
  readonly pids: Servers;
}): Promise<DecodeRun> {
  const { script, config, events, pids } = run;
  const broker = new ServerClock(pids.kafka);
  const partitions = Array.from({ length: config.log.partitions }, (_, partition) => partition);
  const started = Array.from({ length: WORKERS }, (_, worker) => {
    const own = partitions.filter((partition) => partition % WORKERS === worker);
    return new Worker<DecodeResult>(script, 'decode', { config, own });
  });
  try {
    return await withWorkers(started, async (workers) => {
      await Promise.all(workers.map(({ ready }) => ready));
      for (const worker of workers) worker.tell('go');
      const results = await Promise.all(workers.map(({ result }) => result));
      broker.stop();
      const { whole, secondHalf } = stretches(workers.map(({ samples }) => samples));
      if (whole.events !== events) throw new Error(`${whole.events} of ${events} events were decoded`);
      return {
        whole,
        secondHalf,
        brokerSeconds: broker.secondsBetween(whole.fromMs, whole.toMs),
        peakMb: results.reduce((sum, { peakMb }) => sum + peakMb, 0),
      };
    });
  } finally {
    broker.stop();
  }
}
