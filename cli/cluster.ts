import { setMaxListeners } from 'node:events';
import type { Config } from '../config/schema.ts';
import type { IngestPipeline } from '../ingest/pipeline.ts';
import { RawHttpDoor } from '../ingest/raw-http-door.ts';
import type { RawLog } from '../ingest/raw-log.ts';
import { migrate } from '../olap/migrate.ts';
import { applyRetention } from '../olap/retention.ts';
import { layoutOf } from '../olap/schema/layout.ts';
import type { AlertPublisher } from '../alerts/publisher.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import type { JobQueue } from '../batch/job-queue.ts';
import { endpointOf, tlsOf } from '../olap/connect.ts';
import { createPublisher, type OnNotice } from './alert-publishing.ts';
import {
  createClusterPipeline,
  createRawIngest,
  keepTime,
  listenerName,
  mirrorOpener,
  openPublishing,
  openRawFiles,
  type OwnedStage,
  type RoleContext,
  sinkOpener,
  sinkTopics,
  stageOpener,
  stageTopics,
  standAtLogTime,
} from './cluster-roles.ts';
import { type ClusterServers, joinCluster, openClusterServers } from './compose-cluster.ts';
import type { ReplayStore } from './compose-replay.ts';
import { jobProcessors, openClusterJobs } from './compose-jobs.ts';
import { type Owned, PartitionOwners, type Place } from './partition-owners.ts';
import type { Role } from './roles.ts';
import { type MirrorCounters, zeroMirrorCounters } from '../mirror/partition-mirror.ts';
import { asError, VedetteError } from '../model/errors.ts';
import { EVENTS_TOPIC } from '../stream/stage-workers.ts';
import { type SinkCounters, zeroSinkCounters } from './sink-counters.ts';
import { FINDINGS_TOPIC } from './topics.ts';

export interface ClusterOptions {
  readonly config: Config;
  readonly roles: ReadonlySet<Role>;
  /** Where results of replays are put. */
  readonly dataDir: string;
  readonly onNotice: OnNotice;
  /** For tests. */
  readonly at?: RoleContext['at'];
  readonly sinkLimits?: RoleContext['sinkLimits'];
}

/**
 * One process of the cluster form, with one or more roles. Started whole or not at all; stops in the order of the data's
 * way, and leaves its partitions to others.
 */
export class Cluster {
  readonly options: ClusterOptions;
  readonly servers: ClusterServers;
  readonly sinkCounters: SinkCounters = zeroSinkCounters();
  readonly stages: PartitionOwners<OwnedStage>;
  readonly sinks: PartitionOwners<Owned>;
  readonly mirrors: PartitionOwners<Owned>;
  readonly mirrorCounters: MirrorCounters = zeroMirrorCounters();
  /** Of roles that take records in; of the console, for dead letters that are read again. */
  pipeline: IngestPipeline | undefined;
  /** Of roles console and batch. */
  jobs: JobQueue | undefined;
  /** Of roles that listen. */
  door: RawHttpDoor | undefined;
  /** Of the console: what people do with alerts. */
  readonly publisher: AlertPublisher;
  /** Rejects when a part fails for good. */
  readonly failed: Promise<never>;
  private readonly context: RoleContext;
  private readonly closers: (() => Promise<unknown>)[];
  private readonly members: Awaited<ReturnType<typeof joinCluster>>[] = [];
  /** What ends before the servers are left, the first first. */
  private readonly stoppers: (() => Promise<unknown>)[] = [];
  private fail: (error: Error) => void = () => undefined;

  private constructor(options: ClusterOptions, servers: ClusterServers, closers: (() => Promise<unknown>)[]) {
    this.options = options;
    this.servers = servers;
    this.closers = closers;
    const { config, onNotice, at, sinkLimits } = options;
    this.context = { config, servers, onNotice, ...(at ? { at } : {}), ...(sinkLimits ? { sinkLimits } : {}) };
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // Whoever waits for `failed` is told; without a waiter it must not end the process by itself.
    this.failed.catch(() => undefined);
    const onFailed = (error: Error): void => this.fail(error);
    this.stages = new PartitionOwners({ role: 'stream', open: stageOpener(this.context), onNotice, onFailed });
    const sink = sinkOpener(this.context, this.sinkCounters);
    this.sinks = new PartitionOwners({ role: 'sink', open: sink, onNotice, onFailed });
    const mirror = mirrorOpener(this.context, this.mirrorCounters);
    this.mirrors = new PartitionOwners({ role: 'mirror', open: mirror, onNotice, onFailed });
    this.publisher = createPublisher({
      store: servers.alerts,
      log: servers.log,
      webhooks: [],
      findingsTopic: FINDINGS_TOPIC,
    });
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const closers: (() => Promise<unknown>)[] = [];
    try {
      const servers = await openClusterServers(options, closers);
      const layout = layoutOf(options.config.clickhouse);
      await migrate(servers.olap, { layout });
      await applyRetention(servers.olap, options.config.olap.retentionDays, layout);
      const cluster = new Cluster(options, servers, closers);
      try {
        await cluster.startRoles();
      } catch (error) {
        await cluster.stop();
        throw error;
      }
      return cluster;
    } catch (error) {
      for (const close of closers.splice(0).reverse()) await close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const stop of this.stoppers.splice(0)) await stop();
    await Promise.all([this.stages.close(), this.sinks.close(), this.mirrors.close()]);
    await Promise.all(this.members.splice(0).map((member) => member.leave()));
    for (const close of this.closers.splice(0).reverse()) await close();
  }

  private async startRoles(): Promise<void> {
    const { roles, config } = this.options;
    if (roles.has('sink')) await this.share('sink-workers', sinkTopics(this.servers), this.sinks);
    if (roles.has('stream')) await this.share('stream-workers', stageTopics(config), this.stages);
    if (roles.has('mirror')) await this.startMirror();
    if (!roles.has('ingest') && !roles.has('console') && !roles.has('batch')) return;
    const rawLog = await this.servers.openRawLog();
    const pipeline = await createClusterPipeline(this.context, rawLog);
    this.pipeline = pipeline;
    await standAtLogTime(pipeline, this.servers);
    const publishing = await openPublishing(this.context, rawLog);
    this.door = new RawHttpDoor({
      ...publishing,
      mappings: csvMappings(config),
      listener: listenerName(),
      now: Date.now,
    });
    const ending = new AbortController();
    setMaxListeners(0, ending.signal);
    const time = keepTime(pipeline, this.context, ending.signal).catch((error: unknown) => this.failWith(error));
    this.stoppers.push(async () => {
      ending.abort();
      await time;
    });
    if (roles.has('ingest')) await this.startIngest(pipeline, rawLog, publishing);
    if (roles.has('console') || roles.has('batch')) await this.startJobs(pipeline);
  }

  private async startMirror(): Promise<void> {
    const { roles, config, onNotice } = this.options;
    if (config.kafka.mirror.enabled) {
      await this.share('mirror-workers', [{ name: EVENTS_TOPIC, partitions: config.log.partitions }], this.mirrors);
      return;
    }
    const words = 'the role mirror has nothing to do: kafka.mirror.enabled is false';
    if (roles.size === 1) throw new VedetteError('CONFIG_INVALID', words);
    onNotice('info', words);
  }

  private async startJobs(pipeline: IngestPipeline): Promise<void> {
    const { config, roles, onNotice } = this.options;
    const { alerts, deadLetters } = this.servers;
    const jobs = await openClusterJobs({ config, onNotice });
    this.stoppers.unshift(() => jobs.close());
    this.jobs = jobs;
    if (!roles.has('batch')) return;
    const { cassandra, clickhouse } = config;
    const { databasePrefix } = clickhouse;
    const replayStore = (): ReplayStore => ({
      olap: { endpoint: endpointOf(clickhouse), tls: tlsOf(clickhouse), databasePrefix },
      headers: { cassandra },
    });
    const services = { dataDir: this.options.dataDir, config, onNotice, alerts, deadLetters, pipeline, replayStore };
    await jobs.work(jobProcessors(services), { concurrency: config.jobs.concurrency });
  }

  private async startIngest(
    pipeline: IngestPipeline,
    rawLog: RawLog,
    publishing: Awaited<ReturnType<typeof openPublishing>>,
  ): Promise<void> {
    const { config } = this.options;
    const follow = config.pulsar.publish.files ? config.sources.follow : [];
    for (const door of await openRawFiles(this.context, publishing, follow)) {
      const run = door.run().catch((error: unknown) => this.failWith(error));
      this.stoppers.push(async () => {
        await door.close();
        await run;
      });
    }
    const ingest = createRawIngest(this.context, pipeline, rawLog);
    const run = ingest.run().catch((error: unknown) => this.failWith(error));
    this.stoppers.push(async () => {
      ingest.close();
      await run;
    });
  }

  /** Takes a share of the partitions, and gives back what others are to have. */
  private async share<T extends Owned>(
    groupId: string,
    topics: readonly { readonly name: string; readonly partitions: number }[],
    owners: PartitionOwners<T>,
  ): Promise<void> {
    const { config, onNotice } = this.options;
    const assign = async (places: readonly Place[]): Promise<void> => {
      owners.assign(places);
      // What goes to others is ended first, its checkpoint written: they begin where this process stopped.
      await owners.ended();
    };
    this.members.push(
      await joinCluster(config, {
        groupId,
        topics,
        onAssigned: ({ partitions, added, removed }) => {
          if (added.length + removed.length > 0)
            onNotice(
              'info',
              `${groupId}: ${added.length} partitions come, ${removed.length} go, ${partitions.length} in all`,
            );
          return assign(partitions);
        },
        onLost: () => {
          onNotice('warn', `${groupId}: this process was not heard of, and its partitions went to others`);
          return assign([]);
        },
        onFailed: (error) => this.failWith(error),
      }),
    );
  }

  private failWith(error: unknown): void {
    this.fail(asError(error));
  }
}
