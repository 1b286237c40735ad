import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClusterPipeline } from '../../cli/cluster-roles.ts';
import { Cluster } from '../../cli/cluster.ts';
import { type ClusterServers } from '../../cli/compose-cluster.ts';
import type { Role } from '../../cli/roles.ts';
import { StageFactory } from '../../cli/stage-factory.ts';
import { SINK_ROUTES } from '../../cli/topics.ts';
import { csvMappings } from '../../config/csv-mappings.ts';
import { parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { readSections } from '../../config/server-sections.ts';
import { mergeSources } from '../../ingest/merge.ts';
import type { IngestPipeline } from '../../ingest/pipeline.ts';
import { collectFiles } from '../../ingest/sources/collect-files.ts';
import { FileSetSource } from '../../ingest/sources/file-set-source.ts';
import { groupFiles } from '../../ingest/sources/file-set.ts';
import { SINK_GROUP } from '../../olap/sink-commits.ts';
import { STREAM_GROUP } from '../../stream/runner.ts';
import { digestOf } from '../../stream/snapshot.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../../stream/stage-workers.ts';
import type { ClusterJob, WorkerFault } from './cluster-worker.ts';
import { comparedAlerts, type GoldenResult, storedRows } from './results.ts';

const WORKER = fileURLToPath(new URL('cluster-worker.ts', import.meta.url));

/** A worker process. */
export interface Worker {
  readonly process: ChildProcess;
  /** Resolves once it has joined; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<NodeJS.Signals | number | null>;
  notices: string;
}

/** Names of their own for everything on the servers that the environment names. */
export function siteConfig(given: Record<string, unknown>): Config {
  const name = `t${randomBytes(5).toString('hex')}`;
  const { config: named } = readSections(undefined, process.env);
  const asked = parseConfig(given);
  return {
    ...asked,
    kafka: { ...named.kafka, mirror: asked.kafka.mirror, prefix: name, boundsMs: 200 },
    pulsar: { ...named.pulsar, topics: asked.pulsar.topics, commitMs: asked.pulsar.commitMs, namespace: name },
    cassandra: { ...named.cassandra, keyspace: name },
    redis: { ...named.redis, namespace: name },
    clickhouse: { ...named.clickhouse, databasePrefix: `${name}_` },
  };
}

/** An installation of its own on the servers that the environment names: other names for everything in them. */
export class ClusterSite {
  readonly config: Config;
  readonly servers: ClusterServers;
  readonly pipeline: IngestPipeline;
  private readonly cluster: Cluster;
  private readonly workers = new Set<Worker>();

  private constructor(config: Config, cluster: Cluster, pipeline: IngestPipeline) {
    this.config = config;
    this.cluster = cluster;
    this.servers = cluster.servers;
    this.pipeline = pipeline;
  }

  static async open(given: Record<string, unknown>): Promise<ClusterSite> {
    const config = siteConfig(given);
    const cluster = await Cluster.start({
      config,
      roles: new Set(),
      dataDir: join(tmpdir(), config.kafka.prefix),
      onNotice: () => undefined,
    });
    const context = { config, servers: cluster.servers, onNotice: () => undefined };
    return new ClusterSite(config, cluster, await createClusterPipeline(context, undefined));
  }

  private get dataDir(): string {
    return join(tmpdir(), this.config.kafka.prefix);
  }

  /** Reads logs into the event log, merged by event time, as `vedette analyze` does. */
  async feed(paths: readonly string[], options: { readonly pauseMs?: number } = {}): Promise<void> {
    const { pipeline } = this;
    const { paths: files } = await collectFiles(paths);
    await mergeSources(
      groupFiles(files).map((spec) => ({
        source: new FileSetSource(spec),
        options: { mappings: csvMappings(this.config) },
      })),
      pipeline,
      async () => {
        if (pipeline.isFull) await pipeline.flush();
        if (options.pauseMs !== undefined) {
          await pipeline.flush();
          await sleep(options.pauseMs);
        }
      },
    );
    pipeline.end();
    await pipeline.flush();
  }

  start(roles: readonly Role[], fault?: WorkerFault): Worker {
    const job: ClusterJob = {
      config: this.config,
      roles,
      dataDir: this.dataDir,
      ...(fault ? { fault } : {}),
    };
    const child = spawn(process.execPath, ['--import', 'tsx', WORKER, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
      child.on('close', (code, signal) => resolve(signal ?? code));
    });
    const worker: Worker = {
      process: child,
      ended,
      notices: '',
      ready: new Promise((resolve, reject) => {
        child.stdout.on('data', (data: Buffer) => {
          if (data.toString().includes('ready')) resolve();
        });
        void ended.then((how) => reject(new Error(`a worker ended by ${how} before it was ready:\n${worker.notices}`)));
      }),
    };
    child.stderr.on('data', (data: Buffer) => (worker.notices += data.toString()));
    worker.ready.catch(() => undefined);
    this.workers.add(worker);
    void ended.then(() => this.workers.delete(worker));
    return worker;
  }

  async stop(worker: Worker, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    worker.process.kill(signal);
    await worker.ended;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => this.stop(worker)));
  }

  /** Resolves once everything in the log has been through the stages, with checkpoints, and is stored. */
  async settled(timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs;
    const left = (): number => until - Date.now();
    await this.caughtUp(STREAM_GROUP, EVENTS_TOPIC, left());
    await this.caughtUp(STREAM_GROUP, PARTIALS_TOPIC, left());
    await this.stored(left());
  }

  /** Resolves once all that is in the log now is stored. */
  async stored(timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (const { topic } of SINK_ROUTES) await this.caughtUp(SINK_GROUP, topic, until - Date.now());
  }

  /** Resolves once a group has committed all that a topic has now. */
  async caughtUp(group: string, topic: string, timeoutMs: number): Promise<void> {
    const { log } = this.servers;
    const until = Date.now() + timeoutMs;
    // The end of a partition that nobody has looked at for a while is an old one.
    for (let partition = 0; partition < log.partitions(topic); partition++) log.bounds(topic, partition);
    await sleep(this.config.kafka.boundsMs * 3);
    for (let partition = 0; partition < log.partitions(topic); partition++) {
      for (;;) {
        const { end } = log.bounds(topic, partition);
        const offset = (await log.committed(group, topic, partition))?.offset ?? 0;
        if (offset >= end) break;
        if (Date.now() > until) {
          const notices = [...this.workers].map((worker) => worker.notices).join('\n---\n');
          throw new Error(`${group} is at ${offset} of ${end} in ${topic}/${partition}:\n${notices}`);
        }
        await sleep(100);
      }
    }
  }

  /** What there is at the end; no worker may run. */
  async result(): Promise<GoldenResult> {
    const { alerts, checkpoints, log, olap } = this.servers;
    const factory = new StageFactory({ config: this.config, log, checkpoints, onWarning: () => undefined });
    const partitions = Array.from({ length: this.config.log.partitions }, (_, partition) => partition);
    const stages = [
      ...partitions.map((partition) => factory.stage1(partition)),
      ...partitions.map((partition) => factory.stage2(partition, () => Promise.resolve())),
    ];
    for (const { runner } of stages) await runner.restore();
    const { alerts: listed } = await alerts.list({}, { limit: 500 });
    const sorted = listed.sort(
      (a, b) => a.episode.sinceMs - b.episode.sinceMs || (a.episode.uid < b.episode.uid ? -1 : 1),
    );
    const { events, late, deadLetters } = this.pipeline.counters;
    return {
      alerts: comparedAlerts(sorted),
      rows: await storedRows(olap),
      digest: digestOf(stages.map(({ worker }) => worker.state)),
      events,
      late,
      deadLetters: Object.values(deadLetters).reduce((sum, count) => sum + count, 0),
    };
  }

  async close(): Promise<void> {
    for (const worker of [...this.workers]) await this.stop(worker, 'SIGKILL');
    // Each keyspace makes the next one's tables slower: after thirty, longer than a request may take.
    await this.servers.session.command(`DROP KEYSPACE IF EXISTS ${this.config.cassandra.keyspace}`);
    await this.cluster.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
