import { randomUUID } from 'node:crypto';
import { VedetteError } from '../../../model/errors.ts';
import type {
  ConsumeOptions,
  RawConsumer,
  RawLog,
  RawMessage,
  RawMessageId,
  RawTopic,
  RawTopicSpec,
} from '../../raw-log.ts';
import { PulsarAdmin } from '../admin.ts';
import type { PulsarLogOptions } from '../pulsar-log-options.ts';
import { PartitionConsumer } from './consumer.ts';
import { PartitionProducer } from './producer.ts';

/** The raw log in Pulsar, through its WebSocket interface: one socket for each partition that is written or read. */
export function openPulsarWebSocket(options: PulsarLogOptions & { readonly webSocketUrl: string }): RawLog {
  return new PulsarWebSocketLog(options);
}

class PulsarWebSocketLog implements RawLog {
  private readonly options: PulsarLogOptions & { readonly webSocketUrl: string };
  private readonly admin: PulsarAdmin;
  private readonly name = `vedette-${randomUUID()}`;
  private readonly topics = new Map<string, RawTopic>();
  private readonly producers = new Map<string, PartitionProducer>();
  private readonly consumers = new Set<RawConsumer>();
  private isClosed = false;

  constructor(options: PulsarLogOptions & { readonly webSocketUrl: string }) {
    this.options = options;
    this.admin = new PulsarAdmin({ ...options, timeoutMs: options.handshakeMs });
  }

  async open(spec: RawTopicSpec): Promise<RawTopic> {
    const topic = await this.admin.openTopic(spec, { mayCreate: this.options.mayCreate });
    this.topics.set(topic.name, topic);
    return topic;
  }

  async publish(topic: string, partition: number, message: RawMessage): Promise<RawMessageId> {
    const path = this.pathOf(topic, partition);
    // A producer that came back under its old name would have its messages taken for old ones.
    if (this.isClosed) throw new VedetteError('RAW_LOG_UNAVAILABLE', 'the raw log is closed');
    let producer = this.producers.get(path);
    if (!producer) {
      const { token, handshakeMs, publishTimeoutMs, maxMessageBytes, windowBytes, maxPendingBytes, onNotice } =
        this.options;
      producer = new PartitionProducer({
        url: this.url('producer', path),
        name: this.name,
        ...(token ? { token } : {}),
        handshakeMs,
        publishTimeoutMs,
        maxMessageBytes,
        windowBytes,
        maxPendingBytes,
        onNotice,
      });
      this.producers.set(path, producer);
    }
    return producer.publish(message);
  }

  consume(options: ConsumeOptions): RawConsumer {
    const path = this.pathOf(options.topic, options.partition);
    const { token, handshakeMs, onNotice } = this.options;
    const consumer = new PartitionConsumer(
      {
        ...options,
        url: `${this.url('consumer', path)}/${encodeURIComponent(options.subscription)}`,
        name: this.name,
        ...(token ? { token } : {}),
        handshakeMs,
        onNotice,
      },
      () => this.consumers.delete(consumer),
    );
    this.consumers.add(consumer);
    return consumer;
  }

  async held(topic: string, subscription: string): Promise<readonly boolean[]> {
    const names = await this.admin.activeConsumers(this.topicNamed(topic), subscription);
    return names.map((name) => name === this.name);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const all = [...this.consumers, ...this.producers.values()];
    await Promise.all(all.map((each) => each.close()));
  }

  private topicNamed(name: string): RawTopic {
    const topic = this.topics.get(name);
    if (!topic) throw new VedetteError('NOT_FOUND', `topic ${name} was not opened`);
    return topic;
  }

  private pathOf(topic: string, partition: number): string {
    const { partitions } = this.topicNamed(topic);
    if (!(partition >= 0 && partition < partitions))
      throw new VedetteError('NOT_FOUND', `topic ${topic} has no partition ${partition}`);
    return `${this.options.tenant}/${this.options.namespace}/${topic}-partition-${partition}`;
  }

  private url(kind: 'producer' | 'consumer', path: string): string {
    return `${this.options.webSocketUrl.replace(/\/$/, '')}/ws/v2/${kind}/persistent/${path}`;
  }
}
