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
import { parseMessageId } from '../message-id.ts';
import type { PulsarLogOptions } from '../pulsar-log-options.ts';
import { loadPulsarClient, type NativeClient, type NativeProducer } from './client-module.ts';
import { NativeConsumer } from './consumer.ts';

type NativeOptions = PulsarLogOptions & { readonly serviceUrl: string };

/**
 * The raw log in Pulsar, over its binary protocol: the npm package `pulsar-client`, which is not installed by itself
 * everywhere. Rejects with UNSUPPORTED where it is missing.
 */
export async function openPulsarNative(options: NativeOptions): Promise<RawLog> {
  const { Client, AuthenticationToken } = await loadPulsarClient();
  const token = options.token?.();
  const client = new Client({
    serviceUrl: options.serviceUrl,
    operationTimeoutSeconds: Math.ceil(options.handshakeMs / 1000),
    ...(token === undefined ? {} : { authentication: new AuthenticationToken({ token }) }),
  });
  return new PulsarNativeLog(options, client);
}

class PulsarNativeLog implements RawLog {
  private readonly options: NativeOptions;
  private readonly client: NativeClient;
  private readonly admin: PulsarAdmin;
  private readonly name = `vedette-${randomUUID()}`;
  private readonly topics = new Map<string, RawTopic>();
  private readonly producers = new Map<string, Promise<NativeProducer>>();
  private readonly consumers = new Set<NativeConsumer>();
  private readonly pendingBytes = new Map<string, number>();
  private isClosed = false;

  constructor(options: NativeOptions, client: NativeClient) {
    this.options = options;
    this.client = client;
    this.admin = new PulsarAdmin({ ...options, timeoutMs: options.handshakeMs });
  }

  async open(spec: RawTopicSpec): Promise<RawTopic> {
    const topic = await this.admin.openTopic(spec, { mayCreate: this.options.mayCreate });
    this.topics.set(topic.name, topic);
    return topic;
  }

  async publish(topic: string, partition: number, message: RawMessage): Promise<RawMessageId> {
    const path = this.pathOf(topic, partition);
    const sizeBytes = message.payload.length;
    const { maxMessageBytes, maxPendingBytes } = this.options;
    if (this.isClosed) throw new VedetteError('RAW_LOG_UNAVAILABLE', 'the raw log is closed');
    if (sizeBytes > maxMessageBytes)
      throw new VedetteError(
        'BAD_REQUEST',
        `a message of ${sizeBytes} bytes; at most ${maxMessageBytes} are published`,
      );
    const pending = this.pendingBytes.get(path) ?? 0;
    if (pending + sizeBytes > maxPendingBytes)
      throw new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar is behind by ${pending} bytes`);
    this.pendingBytes.set(path, pending + sizeBytes);
    try {
      const producer = await this.producerOf(path);
      const id = await producer.send({
        data: Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength),
        properties: { ...message.properties },
        ...(message.key === undefined ? {} : { partitionKey: message.key }),
      });
      return parseMessageId(id.serialize()) ?? { ledgerId: -1, entryId: -1, batchIndex: -1 };
    } catch (error) {
      throw asVedetteError(error);
    } finally {
      this.pendingBytes.set(path, (this.pendingBytes.get(path) ?? 0) - sizeBytes);
    }
  }

  consume(options: ConsumeOptions): RawConsumer {
    const path = this.pathOf(options.topic, options.partition);
    const subscribe = () =>
      this.client.subscribe({
        topic: path,
        subscription: options.subscription,
        subscriptionType: 'Failover',
        subscriptionInitialPosition: 'Earliest',
        consumerName: this.name,
        receiverQueueSize: options.permits,
      });
    const consumer = new NativeConsumer(options, subscribe, () => this.consumers.delete(consumer));
    this.consumers.add(consumer);
    return consumer;
  }

  async held(topic: string, subscription: string): Promise<readonly boolean[]> {
    const names = await this.admin.activeConsumers(this.topicNamed(topic), subscription);
    return names.map((name) => name === this.name);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all([...this.consumers].map((consumer) => consumer.close()));
    await this.client.close();
  }

  private producerOf(path: string): Promise<NativeProducer> {
    let producer = this.producers.get(path);
    if (!producer) {
      producer = this.client.createProducer({
        topic: path,
        producerName: this.name,
        sendTimeoutMs: this.options.publishTimeoutMs,
        blockIfQueueFull: false,
        batchingEnabled: false,
      });
      // The next message tries again.
      producer.catch(() => this.producers.delete(path));
      this.producers.set(path, producer);
    }
    return producer;
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
    return `persistent://${this.options.tenant}/${this.options.namespace}/${topic}-partition-${partition}`;
  }
}

/** The client's errors are texts with the name of a result in them. */
function asVedetteError(error: unknown): VedetteError {
  const said = error instanceof Error ? error.message : String(error);
  if (/Authentication|Authorization/i.test(said))
    return new VedetteError('UNAUTHORIZED', `Pulsar refuses the token: ${said}`, { cause: error });
  if (/MessageTooBig|InvalidMessage/i.test(said))
    return new VedetteError('BAD_REQUEST', `Pulsar refuses a message: ${said}`, { cause: error });
  return new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar: ${said}`, { cause: error });
}
