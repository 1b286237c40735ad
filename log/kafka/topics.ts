import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import { errorName } from './kafkajs.ts';
import type { KafkaSettings, KafkaTopic } from './options.ts';
import { KAFKA_ERROR, type TopicMetadata, type TopicSetting } from './protocol-types.ts';

const CREATE_MS = 10_000;
const POLL_MS = 100;

export function kafkaName(prefix: string, name: string): string {
  return `${prefix}.${name}`;
}

/**
 * Makes the topics that are missing and waits until each partition has a leader. Errors: CONFIG_INVALID where one exists
 * with another number of partitions, or where Kafka refuses it; UNAUTHORIZED; LOG_UNAVAILABLE, to be tried again.
 */
export async function ensureTopics(
  connections: Connections,
  settings: KafkaSettings,
  topics: readonly KafkaTopic[],
): Promise<void> {
  const names = topics.map(({ name }) => kafkaName(settings.prefix, name));
  const found = await connections.metadata(names);
  for (const { topic, topicErrorCode } of found.topics) {
    if (topicErrorCode !== KAFKA_ERROR.topicUnauthorized) continue;
    throw new VedetteError('UNAUTHORIZED', `Kafka does not let this user see the topic ${topic}`);
  }
  const missing = topics.filter((topic) => !exists(metadataOf(found.topics, kafkaName(settings.prefix, topic.name))));
  if (missing.length > 0) await create(connections, settings, missing);
  for (const topic of topics) await checkTopic(connections, settings, topic);
}

async function create(
  connections: Connections,
  settings: KafkaSettings,
  missing: readonly KafkaTopic[],
): Promise<void> {
  const { topicErrors } = await connections.callAny('CreateTopics', {
    topics: missing.map((topic) => ({
      topic: kafkaName(settings.prefix, topic.name),
      numPartitions: topic.partitions,
      replicationFactor: settings.replicationFactor,
      configEntries: topicSettings(settings, topic),
    })),
    timeout: CREATE_MS,
  });
  for (const { topic, errorCode, errorMessage } of topicErrors) {
    const isThere = errorCode === KAFKA_ERROR.none || errorCode === KAFKA_ERROR.topicAlreadyExists;
    if (isThere) continue;
    const why = `${errorName(errorCode)}${errorMessage ? `, ${errorMessage}` : ''}`;
    if (errorCode === KAFKA_ERROR.topicUnauthorized || errorCode === KAFKA_ERROR.clusterUnauthorized) {
      throw new VedetteError('UNAUTHORIZED', `Kafka does not let this user make the topic ${topic}: ${why}`);
    }
    const mayPass = errorCode === KAFKA_ERROR.requestTimedOut || errorCode === KAFKA_ERROR.notController;
    throw new VedetteError(
      mayPass ? 'LOG_UNAVAILABLE' : 'CONFIG_INVALID',
      `Kafka does not make the topic ${topic} with ${settings.replicationFactor} replicas: ${why}`,
    );
  }
}

/** What a topic is made with; one that exists keeps what it has. */
function topicSettings(settings: KafkaSettings, topic: KafkaTopic): TopicSetting[] {
  return [
    { name: 'cleanup.policy', value: topic.cleanup ?? 'delete' },
    { name: 'min.insync.replicas', value: String(settings.minInsyncReplicas) },
    { name: 'max.message.bytes', value: String(settings.maxMessageBytes) },
    { name: 'retention.ms', value: String(topic.retentionMs ?? -1) },
    { name: 'retention.bytes', value: String(topic.retentionBytes ?? -1) },
    // Records are stored as they were sent, and not compressed anew by the broker.
    { name: 'compression.type', value: 'producer' },
  ];
}

async function checkTopic(connections: Connections, settings: KafkaSettings, topic: KafkaTopic): Promise<void> {
  const name = kafkaName(settings.prefix, topic.name);
  const until = Date.now() + CREATE_MS;
  for (;;) {
    const metadata = metadataOf((await connections.metadata([name])).topics, name);
    const partitions = metadata?.partitionMetadata ?? [];
    if (exists(metadata) && partitions.length !== topic.partitions) {
      throw new VedetteError(
        'CONFIG_INVALID',
        `the topic ${name} has ${partitions.length} partitions, and the configuration says ${topic.partitions}: the number ` +
          "is fixed for a topic's life, since keys would go elsewhere. Set it back, or take another prefix",
      );
    }
    if (partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)) return;
    if (Date.now() > until)
      throw new VedetteError('LOG_UNAVAILABLE', `the topic ${name} has partitions without a leader`);
    await sleep(POLL_MS);
  }
}

/** A topic's settings, by their names at Kafka; without an entry where they cannot be read. */
export async function readSettings(
  connections: Connections,
  names: readonly string[],
): Promise<Map<string, ReadonlyMap<string, string>>> {
  const { resources } = await connections.callAny('DescribeConfigs', {
    resources: names.map((name) => ({
      type: 2 as const,
      name,
      configNames: [
        'cleanup.policy',
        'min.insync.replicas',
        'max.message.bytes',
        'retention.ms',
        'retention.bytes',
        'compression.type',
      ],
    })),
  });
  const known = resources.filter(({ errorCode }) => errorCode === 0);
  return new Map(
    known.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue ?? ''])),
    ]),
  );
}

function metadataOf(topics: readonly TopicMetadata[], name: string): TopicMetadata | undefined {
  return topics.find(({ topic }) => topic === name);
}

function exists(metadata: TopicMetadata | undefined): boolean {
  return metadata !== undefined && metadata.topicErrorCode !== KAFKA_ERROR.unknownTopicOrPartition;
}
