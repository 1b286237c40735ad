import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { kafkaSchema, type KafkaConfig } from '../../config/kafka.ts';
import { openKafkaLog } from '../../log/kafka/index.ts';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';
import type { KafkaTopic } from '../../log/kafka/options.ts';
import type { PositionStore } from '../../log/position-store.ts';
import { serverVariable } from '../services/server-variable.ts';
import { memoryPositions } from './memory-positions.ts';

/** VEDETTE_KAFKA, `host:port` of some brokers; undefined where this machine has none: the suite is skipped. */
export function kafkaBrokers(): string[] | undefined {
  return serverVariable('VEDETTE_KAFKA')?.split(',');
}

export function kafkaConfig(brokers: readonly string[], overrides: object = {}): KafkaConfig {
  return kafkaSchema.parse({ brokers, prefix: `t-${randomUUID().slice(0, 8)}`, ...overrides });
}

/** Everything under one prefix, which is removed at the end. */
export class KafkaFixture {
  readonly kafka: KafkaConfig;
  readonly positions: PositionStore = memoryPositions();
  readonly warnings: string[] = [];
  readonly #logs: KafkaLog[] = [];

  constructor(brokers: readonly string[], overrides: object = {}) {
    this.kafka = kafkaConfig(brokers, overrides);
  }

  async open(topics: readonly KafkaTopic[], overrides: object = {}): Promise<KafkaLog> {
    const log = await openKafkaLog({
      kafka: { ...this.kafka, ...overrides },
      topics,
      positions: this.positions,
      onWarning: (message) => this.warnings.push(message),
    });
    this.#logs.push(log);
    return log;
  }

  name(topic: string): string {
    return `${this.kafka.prefix}.${topic}`;
  }

  client(): Kafka {
    return new Kafka({ brokers: [...this.kafka.brokers], clientId: 'test', logLevel: logLevel.NOTHING });
  }

  async withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.client().admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async remove(): Promise<void> {
    for (const log of this.#logs.splice(0)) await log.close();
    await this.withAdmin(async (admin) => {
      const own = (await admin.listTopics()).filter((topic) => topic.startsWith(`${this.kafka.prefix}.`));
      if (own.length > 0) await admin.deleteTopics({ topics: own });
    });
  }
}
