import { z } from 'zod';
import { parseMessageId } from '../message-id.ts';
import type { ConsumeOptions, RawConsumer, ReceivedMessage } from '../../raw-log.ts';
import { LastingSocket } from './socket.ts';

const messageSchema = z.object({
  messageId: z.string(),
  payload: z.string(),
  properties: z.record(z.string(), z.string()).nullish(),
  publishTime: z.string(),
  key: z.string().nullish(),
});

export interface ConsumerOptions extends ConsumeOptions {
  readonly url: string;
  readonly name: string;
  readonly token?: () => string | undefined;
  readonly handshakeMs: number;
  readonly onNotice: (level: 'warn', message: string) => void;
}

/** What the socket needs of a message to acknowledge it. */
interface Delivered extends ReceivedMessage {
  readonly ackId: string;
  readonly connection: number;
}

/** One partition of a Failover subscription, in pull mode: the server sends as many messages as it has permits for. */
export class PartitionConsumer implements RawConsumer {
  private readonly options: ConsumerOptions;
  private readonly socket: LastingSocket;
  private readonly closing: () => void;
  private connection = 0;

  constructor(options: ConsumerOptions, closing: () => void) {
    this.options = options;
    this.closing = closing;
    const query = new URLSearchParams({
      subscriptionType: 'Failover',
      subscriptionInitialPosition: 'Earliest',
      consumerName: options.name,
      pullMode: 'true',
      receiverQueueSize: String(options.permits),
    });
    this.socket = new LastingSocket({
      url: () => `${options.url}?${query.toString()}`,
      ...(options.token ? { token: options.token } : {}),
      handshakeMs: options.handshakeMs,
      onOpen: () => this.permit(options.permits),
      onText: (text) => this.take(text),
      onLost: () => {
        this.connection++;
        options.onReset();
      },
      onRefused: (error) => options.onFailed(error),
    });
    this.socket.start();
  }

  get isConnected(): boolean {
    return this.socket.isOpen;
  }

  ack(messages: readonly ReceivedMessage[]): void {
    if (!this.socket.isOpen) return;
    let permits = 0;
    for (const message of messages as readonly Delivered[]) {
      this.socket.send(JSON.stringify({ messageId: message.ackId }));
      if (message.connection === this.connection) permits++;
    }
    if (permits > 0) this.permit(permits);
  }

  redeliver(why: string): void {
    this.socket.restart(why);
  }

  async close(): Promise<void> {
    await this.socket.close();
    this.closing();
  }

  private permit(messages: number): void {
    this.socket.send(JSON.stringify({ type: 'permit', permitMessages: messages }));
  }

  private take(text: string): void {
    const message = this.parse(text);
    if (message) this.options.onMessage(message);
  }

  private parse(text: string): Delivered | undefined {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    const { data } = messageSchema.safeParse(value);
    const id = data && parseMessageId(Buffer.from(data.messageId, 'base64'));
    if (!data || !id) {
      // It has no id to be acknowledged by, so it would come again for ever; a new connection starts afresh.
      this.options.onNotice('warn', `Pulsar sent a message that cannot be read: ${text.slice(0, 200)}`);
      this.socket.restart('a message that cannot be read');
      return undefined;
    }
    const payload = Buffer.from(data.payload, 'base64');
    const isDamaged = payload.length !== base64Length(data.payload);
    return {
      id,
      payload: isDamaged ? Buffer.from(data.payload) : payload,
      properties: data.properties ?? {},
      publishedMs: Date.parse(data.publishTime) || 0,
      ...(typeof data.key === 'string' ? { key: data.key } : {}),
      ...(isDamaged ? { isDamaged } : {}),
      ackId: data.messageId,
      connection: this.connection,
    };
  }
}

/** Bytes that a text in base64 stands for; Buffer passes over what is no base64. */
function base64Length(text: string): number {
  let { length } = text;
  while (length > 0 && text.charCodeAt(length - 1) === 0x3d) length--;
  return Math.floor((length * 3) / 4);
}
