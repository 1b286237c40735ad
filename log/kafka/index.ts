import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';
import { connectionOptions } from './access.ts';
import { BoundsRefresh, refreshBounds } from './bounds.ts';
import { loadCodec } from './codecs.ts';
import { Connections } from './connections.ts';
import { zeroCounters } from './counters.ts';
import { Fetcher } from './fetcher.ts';
import { GroupCommits } from './group-commits.ts';
import { KafkaLog, type KafkaPartition } from './kafka-log.ts';
import { Leaders } from './leaders.ts';
import type { KafkaLogOptions, KafkaSettings } from './options.ts';
import { PartitionState } from './partition-state.ts';
import { PositionMirror } from './position-mirror.ts';
import { ProduceLanes } from './produce-lanes.ts';
import { PartitionProducer } from './producer.ts';
import { ProducerIds } from './producer-ids.ts';
import { ensureTopics, kafkaName, readSettings } from './topics.ts';

const RETRY_MS = 300;
/** What the frame of a batch takes beside its records. */
const FRAME_BYTES = 1024;

/**
 * Opens the event log on Kafka: connects, makes the topics that are missing, and learns their bounds. Errors:
 * CONFIG_INVALID (a topic has another number of partitions; Kafka refuses a setting), UNAUTHORIZED at once,
 * LOG_UNAVAILABLE after `openTimeoutMs`, UNSUPPORTED (a codec that cannot be loaded).
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const { kafka } = options;
  await loadCodec(kafka.compression);
  const connections = new Connections(await connectionOptions(kafka));
  try {
    return await retrying(kafka, () => open(options, connections));
  } catch (error) {
    connections.close();
    throw error;
  }
}

async function open(options: KafkaLogOptions, connections: Connections): Promise<KafkaLog> {
  const { kafka, topics, positions, onWarning } = options;
  await ensureTopics(connections, kafka, topics);
  const kafkaNames = topics.map(({ name }) => kafkaName(kafka.prefix, name));
  const leaders = new Leaders(connections, kafkaNames);
  await leaders.refresh();
  const batchBytes = await batchLimits(connections, kafka, { names: kafkaNames, onWarning });
  const counters = zeroCounters();
  const lanes = new ProduceLanes(connections, {
    requestBytes: kafka.maxMessageBytes * 2,
    replicasMs: kafka.requestTimeoutMs,
  });
  const ids = new ProducerIds(connections);
  const partitions = new Map<string, readonly KafkaPartition[]>();
  for (const { name, partitions: count } of topics) {
    const kafkaTopic = kafkaName(kafka.prefix, name);
    const maxBatchBytes = (batchBytes.get(kafkaTopic) ?? kafka.maxMessageBytes) - FRAME_BYTES;
    const limits = {
      codec: kafka.compression,
      maxBatchBytes,
      mergeBytes: Math.min(kafka.mergeBytes, maxBatchBytes),
      giveUpMs: kafka.appendTimeoutMs,
    };
    const parts = { leaders, lanes, ids, counters, limits };
    partitions.set(
      name,
      Array.from({ length: count }, (_, partition) => {
        const state = new PartitionState({ topic: name, kafkaTopic, partition });
        return { state, producer: new PartitionProducer(state, parts) };
      }),
    );
  }
  const states = [...partitions.values()].flat().map(({ state }) => state);
  await refreshBounds(states, { connections, leaders });
  const mirror = kafka.mirrorPositions
    ? new PositionMirror({ connections, prefix: kafka.prefix, counters })
    : undefined;
  return new KafkaLog({
    connections,
    topics: partitions,
    fetcher: new Fetcher({ connections, leaders, partitions: states, limits: kafka.fetch, counters }),
    bounds: new BoundsRefresh(states, { connections, leaders, everyMs: kafka.boundsMs }),
    groups: new GroupCommits(positions, (place, position) => mirror?.take(place, position)),
    mirror,
    counters,
    kafkaNames,
  });
}

/** `max.message.bytes` of each topic: one that exists may have been made with another. */
async function batchLimits(
  connections: Connections,
  kafka: KafkaSettings,
  { names, onWarning }: { readonly names: readonly string[]; readonly onWarning: KafkaLogOptions['onWarning'] },
): Promise<Map<string, number>> {
  const limits = new Map<string, number>();
  for (const [name, settings] of await readSettings(connections, names)) {
    const bytes = Number(settings.get('max.message.bytes'));
    if (!Number.isFinite(bytes) || bytes <= 0) continue;
    limits.set(name, bytes);
    if (bytes < kafka.maxMessageBytes) {
      onWarning?.(
        `the topic ${name} takes batches of ${bytes} bytes (max.message.bytes), not of ${kafka.maxMessageBytes} as configured`,
      );
    }
  }
  return limits;
}

/** Tries again what may pass, until the time is over. */
async function retrying<T>(kafka: KafkaSettings, attempt: () => Promise<T>): Promise<T> {
  const until = Date.now() + kafka.openTimeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const mayPass = error instanceof VedetteError && error.retry;
      if (!mayPass || Date.now() > until) throw mayPass ? withHint(kafka, error) : error;
    }
    await sleep(RETRY_MS);
  }
}

/** A listener that asks for credentials closes the connection without a word. */
function withHint(kafka: KafkaSettings, error: VedetteError): VedetteError {
  if (kafka.sasl || !/clos|ECONNRESET/i.test(error.message)) return error;
  return new VedetteError(error.code, `${error.message} (does this listener ask for SASL or TLS?)`, { cause: error });
}
