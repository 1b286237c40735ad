import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import { IngestPipeline } from '../ingest/pipeline.ts';
import { PublishedDeadLetters } from '../ingest/raw-dead-letters.ts';
import { RawFileDoor } from '../ingest/raw-file-door.ts';
import { RawIngest } from '../ingest/raw-ingest.ts';
import type { RawLog, RawTopic } from '../ingest/raw-log.ts';
import type { RawPublishing } from '../ingest/raw-publisher.ts';
import { MIRROR_GROUP, type MirrorCounters, type MirrorPoint, PartitionMirror } from '../mirror/partition-mirror.ts';
import { NetworkSet } from '../model/address.ts';
import { VedetteError } from '../model/errors.ts';
import { PANE_MS } from '../model/time.ts';
import { SINK_GROUP } from '../olap/sink-commits.ts';
import type { SinkLimits, SinkPoint } from '../olap/sink-options.ts';
import { Sink } from '../olap/sink.ts';
import type { Webhook } from '../alerts/webhook.ts';
import { readPartials } from '../stream/partials.ts';
import { STREAM_GROUP, type StreamPoint } from '../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../stream/stage-workers.ts';
import { createPublisher, openWebhooks, type OnNotice } from './alert-publishing.ts';
import type { ClusterServers } from './compose-cluster.ts';
import type { Owned, Place } from './partition-owners.ts';
import { countInto, type SinkCounters } from './sink-counters.ts';
import { groupNetworks, StageFactory, type Stage1Runner, type Stage2Runner } from './stage-factory.ts';
import { FINDINGS_TOPIC, SINK_ROUTES } from './topics.ts';

export interface RoleContext {
  readonly config: Config;
  readonly servers: ClusterServers;
  readonly onNotice: OnNotice;
  /** For fault tests. */
  readonly at?: (point: StreamPoint | SinkPoint | MirrorPoint) => void;
  readonly sinkLimits?: Partial<SinkLimits>;
}

/** A stage of a partition that this process owns. */
export type OwnedStage = Owned &
  (
    | { readonly stage: 1; readonly parts: Stage1Runner }
    | { readonly stage: 2; readonly parts: Stage2Runner; readonly webhooks: readonly Webhook[] }
  );

/** Opens stages of partitions: claimed, restored from their checkpoints, and not yet running. */
export function stageOpener(context: RoleContext): (place: Place) => Promise<OwnedStage> {
  const { config, servers, onNotice, at } = context;
  const { log, checkpoints, alerts } = servers;
  const factory = new StageFactory({
    config,
    log,
    checkpoints,
    onWarning: (message) => onNotice('warn', message),
    ...(at ? { at } : {}),
  });
  return async ({ topic, partition }) => {
    await log.claim(STREAM_GROUP, topic, partition);
    if (topic === EVENTS_TOPIC) {
      const parts = factory.stage1(partition);
      await parts.runner.restore();
      return { stage: 1, parts, run: (signal) => parts.runner.run(signal) };
    }
    // What a webhook is owed goes with the partition to whoever takes it over.
    const { webhooks, outboxes } = await openWebhooks(config, onNotice, (name) =>
      servers.openOutbox(`${name}-${partition}`),
    );
    const publisher = createPublisher({ store: alerts, log, webhooks, findingsTopic: FINDINGS_TOPIC });
    const close = async (): Promise<void> => {
      await publisher.close();
      for (const outbox of outboxes) await outbox.close();
    };
    const parts = factory.stage2(partition, (episodes) => publisher.publish(episodes));
    try {
      await parts.runner.restore();
    } catch (error) {
      await close();
      throw error;
    }
    return { stage: 2, parts, webhooks, run: (signal) => parts.runner.run(signal).finally(close) };
  };
}

/** What stream workers share out. */
export function stageTopics(config: Config): { name: string; partitions: number }[] {
  const { partitions } = config.log;
  return [EVENTS_TOPIC, PARTIALS_TOPIC].map((name) => ({ name, partitions }));
}

/** Opens the sink of one partition. */
export function sinkOpener(context: RoleContext, counters: SinkCounters): (place: Place) => Promise<Owned> {
  const { servers, onNotice, at, sinkLimits } = context;
  return async ({ topic, partition }) => {
    await servers.log.claim(SINK_GROUP, topic, partition);
    const sink = new Sink(
      {
        routes: SINK_ROUTES.filter((route) => route.topic === topic),
        partitionsOf: () => [partition],
        ...(sinkLimits ? { limits: sinkLimits } : {}),
      },
      { log: servers.log, client: servers.olap, metrics: countInto(counters), onNotice, ...(at ? { at } : {}) },
    );
    return {
      run: async (signal) => {
        const stop = (): void => void sink.stop();
        signal.addEventListener('abort', stop, { once: true });
        if (signal.aborted) stop();
        try {
          await sink.run();
        } finally {
          signal.removeEventListener('abort', stop);
        }
      },
    };
  };
}

/** What sinks share out. */
export function sinkTopics(servers: ClusterServers): { name: string; partitions: number }[] {
  return SINK_ROUTES.map(({ topic }) => ({ name: topic, partitions: servers.log.partitions(topic) }));
}

/** Opens the mirror of one partition of events. */
export function mirrorOpener(context: RoleContext, counters: MirrorCounters): (place: Place) => Promise<Owned> {
  const { config, servers, onNotice, at } = context;
  const { log } = servers;
  return async ({ topic, partition }) => {
    await log.claim(MIRROR_GROUP, topic, partition);
    return new PartitionMirror({
      log,
      topic,
      partition,
      append: (records) => log.append(config.kafka.mirror.topic, partition, records),
      leaveOut: config.kafka.mirror.leaveOut,
      counters,
      onNotice,
      ...(at ? { at } : {}),
    });
  };
}

/** Ingest into the cluster's log. */
export async function createClusterPipeline(context: RoleContext, rawLog: RawLog | undefined): Promise<IngestPipeline> {
  const { config, servers } = context;
  const { deadLetters: topic, batchBytes } = { ...config.pulsar, batchBytes: config.pulsar.publish.batchBytes };
  const deadLetters =
    rawLog && topic.publish
      ? new PublishedDeadLetters(servers.deadLetters, {
          rawLog,
          topic: await rawLog.open({ name: topic.topic, partitions: topic.partitions }),
          batchBytes,
        })
      : servers.deadLetters;
  return new IngestPipeline({
    log: servers.log,
    deadLetters,
    headers: servers.headers,
    internal: new NetworkSet(config.internal),
    groups: groupNetworks(config),
    site: config.site,
    blockRows: config.stream.blockRows,
    idleMs: config.sources.idleMs,
    now: Date.now,
  });
}

/**
 * Tells a pipeline where time stands in the log, as the furthest partition of stage 1 has told stage 2: sources that
 * begin in this process begin there.
 */
export async function standAtLogTime(pipeline: IngestPipeline, { log }: ClusterServers): Promise<void> {
  for (let partition = 0; partition < log.partitions(PARTIALS_TOPIC); partition++) {
    const { earliest, end } = log.bounds(PARTIALS_TOPIC, partition);
    if (end <= earliest) continue;
    const [last] = await log.read(PARTIALS_TOPIC, partition, end - 1, { maxBytes: 1 });
    const openPane = last && readPartials(last.data).openPane;
    if (openPane !== undefined && openPane !== null) pipeline.standAt(openPane * PANE_MS);
  }
}

const IDLE_CHECK_MS = 1000;

/** Marks quiet sources as idle until the signal aborts. Rejects when the log fails for good. */
export async function keepTime(pipeline: IngestPipeline, context: RoleContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await standAtLogTime(pipeline, context.servers);
      pipeline.markIdle();
      await pipeline.flush();
    } catch (error) {
      // Dead letters and headers that were not taken are kept for the next flush.
      if (!(error instanceof VedetteError) || !error.retry) throw error;
      context.onNotice('warn', `what was read cannot be stored: ${error.message}; trying again`);
    }
    await sleep(IDLE_CHECK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Reads the raw log into the pipeline. */
export function createRawIngest(context: RoleContext, pipeline: IngestPipeline, rawLog: RawLog): RawIngest {
  const { config, servers, onNotice } = context;
  const { pulsar } = config;
  return new RawIngest({
    rawLog,
    pipeline,
    states: servers.sourceStates,
    topics: pulsar.topics.map(({ name, partitions, format }) => ({
      name: rawTopicName(name),
      partitions,
      ...(format === undefined ? {} : { format }),
    })),
    mappings: csvMappings(config),
    subscription: pulsar.subscription,
    permits: pulsar.permits,
    commitMs: pulsar.commitMs,
    lingerMs: pulsar.lingerMs,
    onNotice,
  });
}

/** Where listeners publish, with the topics opened. */
export async function openPublishing({ config }: RoleContext, rawLog: RawLog): Promise<RawPublishing> {
  const { publish, topics, maxMessageBytes } = config.pulsar;
  const opened = new Map<string, RawTopic>();
  const open = async (name: string): Promise<RawTopic> => {
    const known = opened.get(name);
    if (known) return known;
    const partitions = topics.find((topic) => topic.name === name)?.partitions ?? 1;
    const topic = await rawLog.open({ name: rawTopicName(name), partitions });
    opened.set(name, topic);
    return topic;
  };
  const topicByFormat = new Map<string, RawTopic>();
  for (const [format, name] of Object.entries(publish.topicByFormat)) topicByFormat.set(format, await open(name));
  return {
    rawLog,
    topic: await open(publish.topic),
    topicByFormat,
    compression: publish.compression,
    batchBytes: publish.batchBytes,
    maxMessageBytes,
  };
}

/** Followed files, on their way into the raw log. */
export function openRawFiles(
  context: RoleContext,
  publishing: RawPublishing,
  follow: Config['sources']['follow'],
): Promise<RawFileDoor[]> {
  const { config, servers, onNotice } = context;
  return Promise.all(
    follow.map(({ path, format }) =>
      RawFileDoor.open({
        ...publishing,
        states: servers.sourceStates,
        paths: [path],
        ...(format === undefined ? {} : { format }),
        mappings: csvMappings(config),
        listener: listenerName(),
        now: Date.now,
        onNotice,
      }),
    ),
  );
}

/** Name of this machine among those that listen. */
export function listenerName(): string {
  return hostname();
}

function rawTopicName(sourceType: string): string {
  return `raw-${sourceType}`;
}
