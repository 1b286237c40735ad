import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClusterPipeline } from '../cli/cluster-roles.ts';
import { openClusterServers } from '../cli/compose-cluster.ts';
import type { Config } from '../config/schema.ts';
import type { KafkaLog } from '../log/kafka/kafka-log.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../stream/stage-workers.ts';
import { PANE_MS } from '../stream/time.ts';
import { startBenchServers } from './cluster/bench-servers.ts';
import { EventFeeder } from './cluster/event-feeder.ts';
import { FlowFeed } from './cluster/flow-feed.ts';
import { type OwnedPartition, type RoleResult, runRoles } from './cluster/role-worker.ts';
import { nowMs, Worker } from './cluster/worker-link.ts';
import { pause } from './measure.ts';
import { figure, type Report } from './report.ts';
import { runBench, type Bench } from './trial.ts';

const SCRIPT = fileURLToPath(import.meta.url);
const trials = { roles: runRoles };

const PARTITIONS = 4;
const HOSTS = 1_000_000;
/** Flows by which nearly each host was seen once, over a day of event time: most hosts are cold, as in life. */
const FILL = { flows: 5_000_000, eventsPerMs: 0.05 };
const GOALS = { firstBlock: { goal: 10, floor: 20 }, noLag: { goal: 30, floor: 90 }, memoryMb: 600 };
const LIMIT_MS = 180_000;
const POLL_MS = 25;
const BOUNDS_MS = 200;

interface Takeover {
  /** From the kill until the survivor has processed a block of each of the partitions, or all there is of it, s. */
  readonly firstBlock: number;
  /** … and until no partition of either stage has a record that waits, s. */
  readonly noLag: number;
  readonly partitions: number;
  readonly entities: number;
}

async function measure(bench: Bench<typeof trials>): Promise<Report> {
  const hosts = bench.isQuick ? HOSTS / 20 : HOSTS;
  const { services, config } = await startBenchServers({
    only: ['kafka', 'cassandra', 'clickhouse'],
    prefix: 'bench',
    partitions: PARTITIONS,
    onNotice: say,
  });
  const closers: (() => Promise<unknown>)[] = [];
  const group = new WorkerGroup(roomFor(config));
  try {
    const servers = await openClusterServers({ config: roomFor(config), onNotice: () => undefined }, closers);
    const pipeline = await createClusterPipeline({ config, servers, onNotice: () => undefined }, undefined);
    const feeder = new EventFeeder(pipeline);
    const fill = new FlowFeed({ hosts, zipf: 0, eventsPerMs: FILL.eventsPerMs, victimsAPane: 0 });
    say(`filling the state of ${hosts} hosts`);
    await feeder.all(fill, (FILL.flows * hosts) / HOSTS);
    const started = nowMs();
    await group.add();
    await group.add();
    await group.untilNoLag(servers.log);
    // The first blocks are read while the workers still start: a careful estimate of what they can take.
    const capacity = feeder.events / ((nowMs() - started) / 1000);
    const rate = Math.floor(capacity / 4);
    say(`two workers took ${Math.round(capacity)} events/s; from now on ${rate} a second come in`);
    const startMs = Math.ceil(fill.timeMs / PANE_MS) * PANE_MS;
    const live = new FlowFeed({ hosts, zipf: 1.1, eventsPerMs: rate / 1000, startMs, victimsAPane: 0 });
    const feeding = feeder.steadily(live, rate);
    feeding.catch(() => undefined);
    const takeovers: Takeover[] = [];
    for (let run = 0; run < bench.runs; run++) {
      // Two checkpoints pass, so that there is one of the live state.
      await Promise.race([pause(bench.isQuick ? 5000 : 2 * config.stream.checkpointMs), feeding]);
      const takeover = await Promise.race([group.killOne(servers.log), feeding.then(() => undefined)]);
      if (!takeover) throw new Error('nothing is fed any more');
      say(`first blocks after ${takeover.firstBlock.toFixed(1)} s, no lag after ${takeover.noLag.toFixed(1)} s`);
      takeovers.push(takeover);
      if (run + 1 < bench.runs) {
        await group.add();
        await group.untilShared();
        await group.untilNoLag(servers.log);
      }
    }
    feeder.stop();
    await feeding;
    const survivor = await group.stop();
    return report({ takeovers, rate, capacity, peakMb: survivor.peakMb, session: sessionOf(config) });
  } finally {
    group.kill();
    for (const close of closers.reverse()) await close();
    await services.stop();
  }
}

/** The workers that live, the oldest first. */
class WorkerGroup {
  private readonly config: Config;
  private workers: Worker<RoleResult>[] = [];
  private started = 0;

  constructor(config: Config) {
    this.config = config;
  }

  async add(): Promise<void> {
    const dataDir = join(tmpdir(), `${this.config.kafka.prefix}-${this.started++}`);
    const worker = new Worker<RoleResult>(SCRIPT, 'roles', { config: this.config, roles: ['stream'], dataDir });
    this.workers.push(worker);
    while (!worker.last) await Promise.race([pause(POLL_MS), worker.result]);
  }

  /** Each worker has its share. */
  async untilShared(): Promise<void> {
    const share = (2 * PARTITIONS) / this.workers.length;
    await until('share the partitions', () => this.workers.every((worker) => ownedBy(worker).length === share));
  }

  /** Everything in both topics is processed, but for what came within {@link BOUNDS_MS}. */
  async untilNoLag(log: KafkaLog): Promise<void> {
    await pause(2 * BOUNDS_MS);
    await until('come to the end of the log', () => {
      const owned = this.workers.flatMap(ownedBy);
      return [EVENTS_TOPIC, PARTIALS_TOPIC].every((topic, index) =>
        Array.from({ length: PARTITIONS }, (_, partition) => partition).every((partition) => {
          const { end } = log.bounds(topic, partition);
          return owned.some((each) => each.stage === index + 1 && each.partition === partition && each.next >= end);
        }),
      );
    });
  }

  /** Ends the oldest by kill -9, and looks on while the others take over. */
  async killOne(log: KafkaLog): Promise<Takeover> {
    const killed = this.workers.shift()!;
    const lost = ownedBy(killed);
    killed.kill();
    const killedAt = nowMs();
    const taken = new Map<string, number>();
    await until('take over', () => {
      for (const each of lost) {
        const name = `${each.stage}/${each.partition}`;
        if (!taken.has(name) && (this.goesOn(each, killedAt) || this.hasNothingToDo(each, log)))
          taken.set(name, (nowMs() - killedAt) / 1000);
      }
      return taken.size === lost.length;
    });
    const firstBlock = Math.max(...taken.values());
    say(`stage/partition: ${[...taken].map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`).join(', ')}`);
    await this.untilNoLag(log);
    const noLag = (nowMs() - killedAt) / 1000;
    const hosts = this.workers.flatMap(ownedBy).filter(({ stage }) => stage === 1);
    return {
      firstBlock,
      noLag,
      partitions: lost.length,
      entities: hosts.reduce((sum, { entities }) => sum + entities, 0),
    };
  }

  async stop(): Promise<RoleResult> {
    for (const worker of this.workers) worker.tell('stop');
    const results = await Promise.all(this.workers.map(({ result }) => result));
    return results[0]!;
  }

  kill(): void {
    for (const worker of this.workers) worker.kill();
  }

  /** Whether somebody who lives has a partition of which everything is processed: panes close every ten seconds only. */
  private hasNothingToDo({ stage, partition }: OwnedPartition, log: KafkaLog): boolean {
    const { end } = log.bounds(stage === 1 ? EVENTS_TOPIC : PARTIALS_TOPIC, partition);
    const owned = this.workers.flatMap(ownedBy);
    return owned.some((each) => each.stage === stage && each.partition === partition && each.next >= end);
  }

  /** Whether a partition has been read from since somebody who lives has it. */
  private goesOn({ stage, partition }: OwnedPartition, sinceMs: number): boolean {
    return this.workers.some(({ samples }) => {
      let first: number | undefined;
      for (let at = samples.length - 1; at >= 0 && samples[at]!.atMs >= sinceMs; at--) {
        const owned = (samples[at]!.state as readonly OwnedPartition[]).find(
          (each) => each.stage === stage && each.partition === partition,
        );
        if (!owned) break;
        first ??= owned.next;
        if (owned.next < first) return true;
      }
      return false;
    });
  }
}

function ownedBy(worker: Worker<RoleResult>): readonly OwnedPartition[] {
  return (worker.last?.state ?? []) as readonly OwnedPartition[];
}

async function until(what: string, isThere: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isThere(); waitedMs += POLL_MS) {
    if (waitedMs > LIMIT_MS) throw new Error(`the workers did not ${what}`);
    await pause(POLL_MS);
  }
}

/** The load's hosts all come within minutes. */
function roomFor(config: Config): Config {
  return {
    ...config,
    kafka: { ...config.kafka, boundsMs: BOUNDS_MS },
    stream: { ...config.stream, maxHosts: 2 * HOSTS, newHostsPerMinute: HOSTS },
  };
}

function sessionOf(config: Config): number {
  return config.kafka.group.sessionTimeoutMs / 1000;
}

function report(run: {
  readonly takeovers: readonly Takeover[];
  readonly rate: number;
  readonly capacity: number;
  readonly peakMb: number;
  readonly session: number;
}): Report {
  const { takeovers, rate, capacity, peakMb, session } = run;
  const { firstBlock, noLag, memoryMb } = GOALS;
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  return {
    title: 'A worker is killed, and the other one takes over',
    figures: [
      figure({
        name: 'rebalance_first_block', unit: 's', better: 'lower', values: takeovers.map((each) => each.firstBlock),
        peer: [session], ...firstBlock,
        note:
          `from kill -9 until the other worker has processed a block (or all there is) of each of its ${takeovers[0]!.partitions} partitions; ` +
          `${count(takeovers[0]!.entities)} hosts in all; peer: the group's session, before which nobody can know`,
      }), // prettier-ignore
      figure({
        name: 'rebalance_no_lag', unit: 's', better: 'lower', values: takeovers.map((each) => each.noLag), ...noLag,
        note:
          `at ${count(rate)} events/s, a quarter of the ${count(capacity)} that the two took from a filled topic; no lag: at ` +
          `most ${BOUNDS_MS} ms of it`,
      }), // prettier-ignore
      figure({
        name: 'rebalance_memory', unit: 'MB', better: 'lower', values: [peakMb], goal: memoryMb,
        note: 'the most that the last worker had resident, with all partitions',
      }), // prettier-ignore
    ],
    leavesOut: [
      'Kafka, Cassandra and ClickHouse run on the processors of the workers; ingest and sink are not under test: events are ' +
        'put into the event log by the benchmark, and stay there.',
      `${PARTITIONS} partitions of each stage; checkpoints every 30 s in Cassandra; all defaults else, but for the number of new hosts a minute.`,
      'The state is filled by flows of all hosts over 28 hours of event time; the load afterwards is by Zipf 1.1 over the same hosts.',
    ],
  };
}

/** What goes on, beside the report. */
function say(text: string): void {
  console.error(text);
}

await runBench(import.meta.url, trials, { runs: 3, measure });
