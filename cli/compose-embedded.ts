import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AlertStore, Episode } from '../alerts/alert.ts';
import { createHash } from 'node:crypto';
import { episodesSchema } from '../alerts/episode-config.ts';
import type { Outbox } from '../alerts/outbox.ts';
import { AlertPublisher } from '../alerts/publisher.ts';
import { webhookSchema } from '../alerts/webhook-config.ts';
import { Webhook } from '../alerts/webhook.ts';
import { parseWith } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { CheckpointStore } from '../featurestore/checkpoint-store.ts';
import type { CheckpointPoint } from '../featurestore/files/index.ts';
import type { DeadLetterStore } from '../ingest/dead-letter.ts';
import { IngestPipeline } from '../ingest/pipeline.ts';
import type { SourceStateStore } from '../ingest/source-state.ts';
import type { SegmentLog } from '../log/segments/segment-log.ts';
import { NetworkSet } from '../model/address.ts';
import type { ChildServer } from '../olap/child-server.ts';
import { OlapClient } from '../olap/client.ts';
import { migrate } from '../olap/migrate.ts';
import { applyRetention } from '../olap/retention.ts';
import { SINK_GROUP, type SinkLimits, type SinkMetrics, type SinkPoint } from '../olap/sink-partition.ts';
import { Sink } from '../olap/sink.ts';
import { DETECTOR_INFO } from '../stream/detector-info.ts';
import { configureDetectors } from '../stream/detector-registry.ts';
import { hostGroups } from '../stream/host-groups.ts';
import { Runner, STREAM_GROUP, type StreamPoint } from '../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC, Stage1Worker, Stage2Worker } from '../stream/stage-workers.ts';
import { Stage1 } from '../stream/stage1.ts';
import { Stage2 } from '../stream/stage2.ts';
import { ALERTS_TOPIC, SINK_ROUTES, topics } from './topics.ts';
import { VERSION } from './version.ts';

export type FaultPoint = StreamPoint | SinkPoint | CheckpointPoint;

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly config: Config;
  /** `never`: for data that may be made again, such as that of `analyze`. */
  readonly fsync: 'group' | 'never';
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Leaves the store's retention as it is: for a look at data whose configuration may be another. */
  readonly keepsRetention?: true;
  /** Wall clock, ms; for tests. */
  readonly now?: () => number;
  readonly sinkLimits?: Partial<SinkLimits>;
  /** For fault tests: called at named points. */
  readonly at?: (point: FaultPoint) => void;
}

/** How the sink got on: what `status` and `/metrics` show. */
export interface SinkCounters {
  rows: number;
  inserts: number;
  duplicates: number;
  retries: number;
  corrupt: number;
  lost: number;
}

/** The embedded form, opened and not yet running. */
export interface EmbeddedParts {
  readonly options: EmbeddedOptions;
  readonly log: SegmentLog;
  readonly alerts: AlertStore;
  readonly publisher: AlertPublisher;
  readonly webhooks: readonly Webhook[];
  readonly stores: { readonly deadLetters: DeadLetterStore; readonly sourceStates: SourceStateStore };
  readonly olap: OlapClient;
  readonly child: ChildServer;
  readonly sink: Sink;
  readonly sinkCounters: SinkCounters;
  readonly pipeline: IngestPipeline;
  readonly stage1: readonly { readonly worker: Stage1Worker; readonly runner: Runner }[];
  readonly stage2: readonly { readonly worker: Stage2Worker; readonly runner: Runner }[];
}

/**
 * Opens everything that the embedded form is made of, in the order of dependence. What must be closed again is in
 * `closers`, also when this fails half-way.
 */
export async function openEmbedded(
  options: EmbeddedOptions,
  closers: (() => Promise<unknown>)[],
): Promise<EmbeddedParts> {
  const { dataDir, config, fsync, onNotice, at } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const [{ openSegmentLog }, { openLmdbAlertStore }, { openIngestStores }, { openCheckpointFiles }, server] =
    await Promise.all([
      import('../log/segments/index.ts'),
      import('../alerts/lmdb/index.ts'),
      import('../ingest/lmdb/index.ts'),
      import('../featurestore/files/index.ts'),
      import('../olap/child-server.ts'),
    ]);
  const detectors = configureDetectors(config.detectors);
  const groupOf = hostGroups(groupNetworks(config));
  const log = await openSegmentLog({
    dir: join(dataDir, 'log'),
    topics: topics(config),
    maxBytes: config.log.maxBytes,
    segmentBytes: config.log.segmentBytes,
    fsync,
    holdFor: [
      { group: STREAM_GROUP, topics: [EVENTS_TOPIC, PARTIALS_TOPIC] },
      { group: SINK_GROUP, topics: SINK_ROUTES.map(({ topic }) => topic) },
    ],
    onWarning: (warning) => onNotice('warn', `event log: ${warning.message}`),
  });
  closers.push(() => log.close());
  const alerts = openLmdbAlertStore({ dir: join(dataDir, 'alerts') });
  closers.push(() => alerts.close());
  const stores = await openIngestStores({
    dir: join(dataDir, 'ingest'),
    maxLetterBytes: config.deadLetters.maxBytes,
    onDropped: (letters) =>
      onNotice('warn', `${letters} dead letters were dropped: over the limit of ${config.deadLetters.maxBytes} bytes`),
  });
  closers.push(() => stores.close());
  const child = new server.ChildServer({
    dataDir: join(dataDir, 'olap'),
    limits: { maxMemoryBytes: config.olap.memoryBytes },
    onNotice,
  });
  closers.push(() => child.stop());
  await child.start();
  const olap = new OlapClient({ endpoint: () => child.endpoint });
  closers.push(() => olap.close());
  await migrate(olap);
  if (options.keepsRetention !== true) await applyRetention(olap, config.olap.retentionDays);
  const sinkCounters: SinkCounters = { rows: 0, inserts: 0, duplicates: 0, retries: 0, corrupt: 0, lost: 0 };
  const sink = new Sink(
    { routes: SINK_ROUTES, ...(options.sinkLimits ? { limits: options.sinkLimits } : {}) },
    { log, client: olap, metrics: countInto(sinkCounters), onNotice, ...(at ? { at } : {}) },
  );
  const checkpoints = await openCheckpointFiles({
    dir: join(dataDir, 'checkpoints'),
    onWarning: (message) => onNotice('warn', message),
    ...(at ? { at } : {}),
  });
  const { publisher, webhooks, outboxes } = await openPublisher(options, log, alerts);
  for (const outbox of outboxes) closers.push(() => outbox.close());
  closers.push(() => publisher.close());
  const stages = { options, log, checkpoints };
  const partitions = Array.from({ length: config.log.partitions }, (_, partition) => partition);
  const stage1 = partitions.map((partition) => {
    const state = new Stage1({
      partition,
      stage2Partitions: config.log.partitions,
      host: detectors.host,
      reading: detectors.reading,
      silence: detectors.silence,
      roster: new Set(config.devices.roster),
      groupOf,
      limits: config.stream,
    });
    const worker = new Stage1Worker(log, state);
    return {
      worker,
      runner: createRunner(worker, stages, { topic: EVENTS_TOPIC, name: `stage1-${partition}`, partition }),
    };
  });
  const stage2 = partitions.map((partition) => {
    const state = new Stage2({
      partition,
      stage1Partitions: config.log.partitions,
      target: detectors.target,
      groupOf,
      episodes: episodesSchema.parse({ quietMs: quietMs(config) }),
      maxTargets: config.stream.maxTargets,
    });
    const worker = new Stage2Worker({ log, publish: (episodes) => publisher.publish(episodes) }, state);
    return {
      worker,
      runner: createRunner(worker, stages, { topic: PARTIALS_TOPIC, name: `stage2-${partition}`, partition }),
    };
  });
  for (const { runner } of [...stage1, ...stage2]) await runner.restore();
  return {
    options,
    log,
    alerts,
    publisher,
    webhooks,
    stores,
    olap,
    child,
    sink,
    sinkCounters,
    stage1,
    stage2,
    pipeline: createPipeline(options, log, stores.deadLetters),
  };
}

/** Who is told of alerts, with what they are still owed from before. */
async function openPublisher(
  options: EmbeddedOptions,
  log: SegmentLog,
  store: AlertStore,
): Promise<{ publisher: AlertPublisher; webhooks: Webhook[]; outboxes: Outbox[] }> {
  const { config, dataDir, onNotice } = options;
  const webhooks: Webhook[] = [];
  const outboxes: Outbox[] = [];
  for (const [i, given] of config.alerts.webhooks.entries()) {
    const hook = parseWith(webhookSchema, given, `alerts.webhooks.${i}`);
    const { openLmdbOutbox } = await import('../alerts/lmdb/outbox.ts');
    const dir = join(dataDir, 'webhooks', createHash('sha256').update(hook.url).digest('hex').slice(0, 16));
    await mkdir(dir, { recursive: true });
    const outbox = openLmdbOutbox({ dir });
    const webhook = new Webhook(hook, {
      outbox,
      now: Date.now,
      random: Math.random,
      onFailure: ({ id, attempts, reason, isGivenUp }) => {
        const what = isGivenUp ? 'is given up' : `will be tried again (attempt ${attempts})`;
        onNotice('warn', `notification ${id} to ${new URL(hook.url).host} ${what}: ${reason}`);
      },
    });
    await webhook.start();
    webhooks.push(webhook);
    outboxes.push(outbox);
  }
  const publisher = new AlertPublisher({
    store,
    log,
    topic: ALERTS_TOPIC,
    webhooks,
    detectors: DETECTOR_INFO,
    productVersion: VERSION,
  });
  return { publisher, webhooks, outboxes };
}

function createRunner(
  worker: Stage1Worker | Stage2Worker,
  services: { options: EmbeddedOptions; log: SegmentLog; checkpoints: CheckpointStore },
  place: { topic: string; name: string; partition: number },
): Runner {
  const { options, log, checkpoints } = services;
  return new Runner(worker, {
    log,
    checkpoints,
    ...place,
    checkpointMs: options.config.stream.checkpointMs,
    batchBytes: 4 << 20,
    now: Date.now,
    onWarning: (message) => options.onNotice('warn', message),
    ...(options.at ? { at: options.at } : {}),
  });
}

function createPipeline(options: EmbeddedOptions, log: SegmentLog, deadLetters: DeadLetterStore): IngestPipeline {
  const { config } = options;
  return new IngestPipeline({
    log,
    deadLetters,
    internal: new NetworkSet(config.internal),
    groups: groupNetworks(config),
    site: config.site,
    blockRows: config.stream.blockRows,
    idleMs: config.sources.idleMs,
    now: options.now ?? Date.now,
  });
}

function groupNetworks(config: Config): { name: string; networks: NetworkSet }[] {
  return config.groups.map(({ name, networks }) => ({ name, networks: new NetworkSet(networks) }));
}

function quietMs(config: Config): Record<Episode['family'], number> {
  const minutes = config.alerts.quietMinutes;
  return {
    'denial-of-service': Math.round(minutes['denial-of-service'] * 60_000),
    'data-loss': Math.round(minutes['data-loss'] * 60_000),
    'data-corruption': Math.round(minutes['data-corruption'] * 60_000),
  };
}

function countInto(counters: SinkCounters): SinkMetrics {
  return {
    stored: ({ rows }) => {
      counters.rows += rows;
      counters.inserts++;
    },
    duplicates: (_topic, rows) => {
      counters.duplicates += rows;
    },
    retried: () => {
      counters.retries++;
    },
    corrupt: () => {
      counters.corrupt++;
    },
    lost: (_topic, _partition, records) => {
      counters.lost += records;
    },
  };
}
