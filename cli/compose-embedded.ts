import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AlertStore } from '../alerts/alert.ts';
import type { Outbox } from '../alerts/outbox.ts';
import type { AlertPublisher } from '../alerts/publisher.ts';
import type { Webhook } from '../alerts/webhook.ts';
import type { Config } from '../config/schema.ts';
import type { CheckpointPoint } from '../featurestore/files/index.ts';
import type { DeadLetterStore } from '../ingest/dead-letter.ts';
import type { HeaderStore } from '../ingest/header-store.ts';
import { IngestPipeline } from '../ingest/pipeline.ts';
import type { SourceStateStore } from '../ingest/source-state.ts';
import type { SegmentLog } from '../log/segments/segment-log.ts';
import { NetworkSet } from '../model/address.ts';
import type { ChildServer } from '../olap/child-server.ts';
import { OlapClient } from '../olap/client.ts';
import { migrate } from '../olap/migrate.ts';
import { applyRetention } from '../olap/retention.ts';
import { SINK_GROUP } from '../olap/sink-commits.ts';
import type { SinkLimits, SinkPoint } from '../olap/sink-options.ts';
import { Sink } from '../olap/sink.ts';
import { STREAM_GROUP, type StreamPoint } from '../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../stream/stage-workers.ts';
import { embeddedJobs } from './compose-jobs.ts';
import type { LazyJobs } from './lazy-jobs.ts';
import { createPublisher, openWebhooks } from './alert-publishing.ts';
import { countInto, type SinkCounters, zeroSinkCounters } from './sink-counters.ts';
import { groupNetworks, StageFactory, type Stage1Runner, type Stage2Runner } from './stage-factory.ts';
import { SINK_ROUTES, topics } from './topics.ts';

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
  readonly jobs: LazyJobs;
  readonly stage1: readonly Stage1Runner[];
  readonly stage2: readonly Stage2Runner[];
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
    onHeadersDropped: (headers) =>
      onNotice('warn', `${headers} headers of the oldest sources were dropped: their rows can't be replayed any more`),
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
  const sinkCounters = zeroSinkCounters();
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
  const factory = new StageFactory({
    config,
    log,
    checkpoints,
    onWarning: (message) => onNotice('warn', message),
    ...(at ? { at } : {}),
  });
  const partitions = Array.from({ length: config.log.partitions }, (_, partition) => partition);
  const stage1 = partitions.map((partition) => factory.stage1(partition));
  const stage2 = partitions.map((partition) => factory.stage2(partition, (episodes) => publisher.publish(episodes)));
  for (const { runner } of [...stage1, ...stage2]) await runner.restore();
  const pipeline = createPipeline(options, log, stores);
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
    pipeline,
    jobs: embeddedJobs({
      dataDir,
      config,
      onNotice,
      alerts,
      deadLetters: stores.deadLetters,
      pipeline,
      replayStore: () => ({ olap: { endpoint: child.endpoint }, headers: { folder: join(dataDir, 'ingest') } }),
    }),
  };
}

/** Who is told of alerts, with what they are still owed from before. */
async function openPublisher(
  options: EmbeddedOptions,
  log: SegmentLog,
  store: AlertStore,
): Promise<{ publisher: AlertPublisher; webhooks: readonly Webhook[]; outboxes: readonly Outbox[] }> {
  const { config, dataDir, onNotice } = options;
  const { webhooks, outboxes } = await openWebhooks(config, onNotice, async (name) => {
    const { openLmdbOutbox } = await import('../alerts/lmdb/outbox.ts');
    const dir = join(dataDir, 'webhooks', name);
    await mkdir(dir, { recursive: true });
    return openLmdbOutbox({ dir });
  });
  return { publisher: createPublisher({ store, log, webhooks }), webhooks, outboxes };
}

function createPipeline(
  options: EmbeddedOptions,
  log: SegmentLog,
  { deadLetters, headers }: { deadLetters: DeadLetterStore; headers: HeaderStore },
): IngestPipeline {
  const { config } = options;
  return new IngestPipeline({
    log,
    deadLetters,
    headers,
    internal: new NetworkSet(config.internal),
    groups: groupNetworks(config),
    site: config.site,
    blockRows: config.stream.blockRows,
    idleMs: config.sources.idleMs,
    now: options.now ?? Date.now,
  });
}
