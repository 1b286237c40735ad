import type { KafkaConfig } from '../../config/kafka.ts';
import { connectionOptions } from '../../log/kafka/access.ts';
import { refreshBounds } from '../../log/kafka/bounds.ts';
import { Connections } from '../../log/kafka/connections.ts';
import { describeGroup, type GroupDescription } from '../../log/kafka/group-description.ts';
import { Leaders } from '../../log/kafka/leaders.ts';
import { PartitionState } from '../../log/kafka/partition-state.ts';
import { kafkaName } from '../../log/kafka/topics.ts';
import type { PartitionBounds } from './facts.ts';

/** Asks the brokers, and makes nothing. Errors: LOG_UNAVAILABLE, UNAUTHORIZED, CONFIG_INVALID. */
export class KafkaLook {
  private readonly connections: Connections;
  private readonly prefix: string;

  private constructor(connections: Connections, prefix: string) {
    this.connections = connections;
    this.prefix = prefix;
  }

  static async open(config: KafkaConfig): Promise<KafkaLook> {
    return new KafkaLook(new Connections(await connectionOptions(config)), config.prefix);
  }

  async groups(names: readonly string[]): Promise<Map<string, GroupDescription>> {
    const { connections, prefix } = this;
    const found = new Map<string, GroupDescription>();
    for (const groupId of names) found.set(groupId, await describeGroup(connections, { prefix, groupId }));
    return found;
  }

  /** Of each partition that the topics have; a topic that is missing has none. */
  async bounds(topics: readonly string[]): Promise<PartitionBounds[]> {
    const { connections, prefix } = this;
    const kafkaTopics = topics.map((topic) => kafkaName(prefix, topic));
    const metadata = await connections.metadata(kafkaTopics);
    const leaders = new Leaders(connections, kafkaTopics);
    await leaders.refresh();
    const states = metadata.topics.flatMap(({ topic: kafkaTopic, partitionMetadata }) =>
      partitionMetadata.map(
        ({ partitionId: partition }) =>
          new PartitionState({ topic: kafkaTopic.slice(prefix.length + 1), kafkaTopic, partition }),
      ),
    );
    const led = states.filter(({ kafkaTopic, partition }) => leaders.of(kafkaTopic, partition) >= 0);
    if (led.length > 0) await refreshBounds(led, { connections, leaders });
    return states.map((state) => ({
      topic: state.topic,
      partition: state.partition,
      ...(led.includes(state) && { bounds: state.bounds }),
    }));
  }

  close(): void {
    this.connections.close();
  }
}
