import type { Connections } from './connections.ts';
import type { PartitionState } from './partition-state.ts';
import { readSettings } from './topics.ts';

export interface KafkaDescription {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly KafkaBrokerDescription[];
  readonly topics: readonly KafkaTopicDescription[];
}

export interface KafkaBrokerDescription {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  /** Highest versions of the requests Fetch and Produce that it knows; undefined: it cannot be reached. */
  readonly versions: { readonly fetch: number; readonly produce: number } | undefined;
}

export interface KafkaTopicDescription {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly replicas: readonly number[];
    readonly inSync: readonly number[];
    readonly earliest: number;
    readonly end: number;
  }[];
}

const PRODUCE = 0;
const FETCH = 1;

/** What the brokers say. Errors: LOG_UNAVAILABLE, UNAUTHORIZED. */
export async function describeCluster(
  connections: Connections,
  { topics, states }: { readonly topics: readonly string[]; readonly states: readonly PartitionState[] },
): Promise<KafkaDescription> {
  const metadata = await connections.metadata(topics);
  const settings = await readSettings(connections, topics);
  const brokers = await Promise.all(
    metadata.brokers.map(async ({ nodeId, host, port }) => {
      const versions = await connections.lane(nodeId, 'control').then(
        (lane) => ({
          fetch: lane.versions[FETCH]?.maxVersion ?? -1,
          produce: lane.versions[PRODUCE]?.maxVersion ?? -1,
        }),
        // One that is down is told as such, not as an error of the whole.
        () => undefined,
      );
      return { nodeId, host, port, versions };
    }),
  );
  return {
    clusterId: metadata.clusterId,
    controllerId: metadata.controllerId,
    brokers,
    topics: metadata.topics.map(({ topic, partitionMetadata }) => ({
      name: topic,
      settings: Object.fromEntries(settings.get(topic) ?? []),
      partitions: partitionMetadata
        .map(({ partitionId, leader, replicas, isr }) => {
          const state = states.find((each) => each.kafkaTopic === topic && each.partition === partitionId);
          return {
            partition: partitionId,
            leader,
            replicas,
            inSync: isr,
            ...(state?.bounds ?? { earliest: 0, end: 0 }),
          };
        })
        .sort((a, b) => a.partition - b.partition),
    })),
  };
}
