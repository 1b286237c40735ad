import type { KafkaConfig } from '../../config/kafka.ts';
import type { TopicSpec } from '../../log/event-log.ts';
import { connectionOptions } from '../../log/kafka/access.ts';
import { Connections } from '../../log/kafka/connections.ts';
import { describeCluster, type KafkaDescription, type KafkaTopicDescription } from '../../log/kafka/describe.ts';
import { type CheckGroup, type Finding, Lazy } from './check.ts';

/** Kafka tells no time of its own, so that its clock is not compared. */
export function kafkaChecks(config: KafkaConfig, topics: readonly TopicSpec[]): CheckGroup {
  const names = topics.map(({ name }) => `${config.prefix}.${name}`);
  const connections = new Lazy(async () => new Connections(await connectionOptions(config)));
  const description = new Lazy(async () => describeCluster(await connections.get(), { topics: names, states: [] }));
  return {
    server: 'kafka',
    first: { name: 'reachable', run: async () => brokersFinding(await description.get(), config) },
    others: [
      { name: 'topics', run: async () => topicsFinding((await description.get()).topics, config, topics) },
      { name: 'replicas', run: async () => replicasFinding((await description.get()).topics, config) },
      { name: 'settings', run: async () => settingsFinding((await description.get()).topics, config, topics) },
    ],
    advice: {
      LOG_UNAVAILABLE:
        'start the brokers, or correct kafka.brokers; they must name addresses that this machine reaches (advertised.listeners)',
      UNAUTHORIZED:
        'correct kafka.sasl; the user needs Describe, DescribeConfigs, Create, Read and Write on the topics',
      CONFIG_INVALID: 'correct the section `kafka`',
    },
    close: () => connections.end((connected) => connected.close()),
  };
}

function brokersFinding({ brokers }: KafkaDescription, config: KafkaConfig): Finding {
  const away = brokers.filter(({ versions }) => versions === undefined);
  const versions = brokers.flatMap((broker) => broker.versions ?? []);
  const found = `${brokers.length} brokers, protocol of fetch ${Math.min(...versions.map(({ fetch }) => fetch))}, of produce ${Math.min(...versions.map(({ produce }) => produce))}`;
  if (away.length > 0) {
    const addresses = away.map(({ host, port }) => `${host}:${port}`).join(', ');
    const advice =
      'start them, or correct advertised.listeners: clients must reach every broker by the name that it tells';
    return { level: 'fail', found: `${found}; not reached: ${addresses}`, advice };
  }
  if (brokers.length < config.replicationFactor) {
    const advice = `start ${config.replicationFactor - brokers.length} more, or lower kafka.replicationFactor`;
    return { level: 'fail', found, advice };
  }
  return { level: 'ok', found };
}

function topicsFinding(
  topics: readonly KafkaTopicDescription[],
  config: KafkaConfig,
  specs: readonly TopicSpec[],
): Finding {
  const wrong: string[] = [];
  const missing: string[] = [];
  for (const spec of specs) {
    const name = `${config.prefix}.${spec.name}`;
    const count = topics.find((topic) => topic.name === name)?.partitions.length ?? 0;
    if (count === 0) missing.push(name);
    else if (count !== spec.partitions) wrong.push(`${name} has ${count} partitions, not ${spec.partitions}`);
  }
  if (wrong.length > 0) {
    const advice = 'set log.partitions back, or take another kafka.prefix: the number is fixed for a topic’s life';
    return { level: 'fail', found: wrong.join('; '), advice };
  }
  if (missing.length === 0) return { level: 'ok', found: `${specs.length} topics` };
  const advice = '`vedette run` makes them at its first start; the user needs the right to';
  return { level: 'warn', found: `${missing.length} of ${specs.length} topics are not there yet`, advice };
}

function replicasFinding(topics: readonly KafkaTopicDescription[], config: KafkaConfig): Finding {
  const partitions = topics.flatMap(({ name, partitions }) => partitions.map((each) => ({ name, ...each })));
  const headless = partitions.filter(({ leader }) => leader < 0);
  if (headless.length > 0) {
    const found = `${headless.length} partitions without a leader, ${headless[0]?.name} among them`;
    return { level: 'fail', found, advice: 'start the brokers that hold them' };
  }
  const behind = partitions.filter(({ inSync }) => inSync.length < config.minInsyncReplicas);
  if (behind.length > 0) {
    const found = `${behind.length} partitions have fewer than ${config.minInsyncReplicas} replicas in sync`;
    return { level: 'fail', found, advice: 'start the missing brokers: nothing can be appended to these' };
  }
  const few = partitions.filter(({ replicas }) => replicas.length < config.replicationFactor);
  if (few.length > 0) {
    const found = `${few.length} partitions have fewer than ${config.replicationFactor} replicas`;
    return {
      level: 'warn',
      found,
      advice: 'a topic keeps what it was made with: add replicas with kafka-reassign-partitions',
    };
  }
  if (config.replicationFactor < 3) {
    const advice = 'set kafka.replicationFactor 3 and minInsyncReplicas 2 where a lost broker may lose nothing';
    return { level: 'warn', found: `replication ${config.replicationFactor}`, advice };
  }
  return { level: 'ok', found: `replication ${config.replicationFactor}, all in sync` };
}

function settingsFinding(
  topics: readonly KafkaTopicDescription[],
  config: KafkaConfig,
  specs: readonly TopicSpec[],
): Finding {
  const differing = topics
    .filter(({ partitions }) => partitions.length > 0)
    .flatMap(({ name, settings }) => {
      const spec = specs.find((each) => `${config.prefix}.${each.name}` === name);
      return differences(settings, config, spec).map((text) => `${name}: ${text}`);
    });
  if (differing.length === 0) return { level: 'ok', found: 'as the configuration says' };
  return {
    level: 'warn',
    found: `${differing.slice(0, 3).join('; ')}${differing.length > 3 ? `; ${differing.length - 3} more` : ''}`,
    advice: 'change them with kafka-configs --alter --entity-type topics, or correct the section `kafka`',
  };
}

function differences(
  settings: Readonly<Record<string, string>>,
  config: KafkaConfig,
  spec: TopicSpec | undefined,
): string[] {
  const atLeast: Readonly<Record<string, number>> = {
    'min.insync.replicas': config.minInsyncReplicas,
    'max.message.bytes': config.maxMessageBytes,
    // Kafka's -1 is for ever.
    ...(Number(settings['retention.ms']) >= 0 && { 'retention.ms': spec?.retentionMs ?? 0 }),
  };
  const few = Object.entries(atLeast).flatMap(([name, least]) => {
    const value = settings[name];
    return value !== undefined && Number(value) < least ? [`${name} is ${value}, under ${least}`] : [];
  });
  const compression = settings['compression.type'];
  return compression === undefined || compression === 'producer'
    ? few
    : [...few, `compression.type is ${compression}: brokers compress every record anew`];
}
