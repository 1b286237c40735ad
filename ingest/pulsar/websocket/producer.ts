import { z } from 'zod';
import { VedetteError } from '../../../model/errors.ts';
import { parseMessageId } from '../message-id.ts';
import type { RawMessage, RawMessageId } from '../../raw-log.ts';
import { LastingSocket } from './socket.ts';

const answerSchema = z.object({
  result: z.string(),
  messageId: z.string().optional(),
  context: z.string().optional(),
  errorMsg: z.string().optional(),
});

/** What a broker says of a message that it would refuse each time. */
const HOPELESS = /InvalidMessage|MessageTooLarge|Too large|exceeds \d+ bytes|Invalid Base64/i;

/** A server that says nothing for so long, though it was sent something, is asked anew. */
const SILENT_MS = 60_000;

export interface ProducerOptions {
  /** Up to the query. */
  readonly url: string;
  /** Unique: of this producer alone, in this process's life. */
  readonly name: string;
  readonly token?: () => string | undefined;
  readonly handshakeMs: number;
  readonly publishTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Bytes that may be on their way without an answer. */
  readonly windowBytes: number;
  /** Bytes that may wait in all. */
  readonly maxPendingBytes: number;
  readonly onNotice: (level: 'warn', message: string) => void;
}

interface Pending {
  readonly message: RawMessage;
  readonly resolve: (id: RawMessageId) => void;
  readonly reject: (error: Error) => void;
  timer?: NodeJS.Timeout;
  /** Its place in the series of this producer's name, once it has been sent. */
  sequence: number;
  isAnswered: boolean;
  /** Under its present number. */
  timesSent: number;
}

/**
 * Publishes to one partition, in order. After a lost connection what has no answer is sent again under the numbers that
 * it had, so that the broker drops what it already has. The server numbers messages by itself, in the order of sending:
 * so one that was sent keeps its place until it is answered, even if nobody waits for it any longer, and after one that
 * the broker refuses for good the series ends and another begins under another name.
 */
export class PartitionProducer {
  private readonly options: ProducerOptions;
  private readonly socket: LastingSocket;
  /** Not sent yet. */
  private waiting: Pending[] = [];
  /** Sent and not answered, in the order of their numbers. */
  private sent: Pending[] = [];
  private pendingBytes = 0;
  private sentBytes = 0;
  private series = 0;
  private nextSequence = 0;
  private isClosed = false;
  private heardAt = 0;
  private readonly watch: NodeJS.Timeout;

  constructor(options: ProducerOptions) {
    this.options = options;
    this.socket = new LastingSocket({
      url: () => this.url(),
      ...(options.token ? { token: options.token } : {}),
      handshakeMs: options.handshakeMs,
      onOpen: () => this.resend(),
      onText: (text) => this.take(text),
      onLost: () => undefined,
      onRefused: (error) => this.failAll(error),
    });
    this.watch = setInterval(() => this.checkAnswers(), SILENT_MS / 4);
    this.watch.unref();
  }

  publish(message: RawMessage): Promise<RawMessageId> {
    const { maxMessageBytes, maxPendingBytes, publishTimeoutMs } = this.options;
    const sizeBytes = message.payload.length;
    if (sizeBytes > maxMessageBytes)
      return Promise.reject(
        new VedetteError('BAD_REQUEST', `a message of ${sizeBytes} bytes; at most ${maxMessageBytes} are published`),
      );
    if (this.isClosed) return Promise.reject(new VedetteError('RAW_LOG_UNAVAILABLE', 'the raw log is closed'));
    if (this.pendingBytes + sizeBytes > maxPendingBytes)
      return Promise.reject(new VedetteError('RAW_LOG_UNAVAILABLE', `Pulsar is behind by ${this.pendingBytes} bytes`));
    return new Promise((resolve, reject) => {
      const pending: Pending = { message, resolve, reject, sequence: -1, isAnswered: false, timesSent: 0 };
      pending.timer = setTimeout(() => this.giveUp(pending), publishTimeoutMs);
      this.pendingBytes += sizeBytes;
      this.waiting.push(pending);
      this.socket.start();
      this.pump();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.watch);
    await this.socket.close();
    this.failAll(new VedetteError('RAW_LOG_UNAVAILABLE', 'the raw log was closed before the message was stored'));
  }

  private url(): string {
    const first = this.sent[0]?.sequence ?? this.nextSequence;
    const query = new URLSearchParams({
      producerName: `${this.options.name}-${this.series}`,
      initialSequenceId: String(first - 1),
      // The server's own client goes on trying; giving up is for this side, which knows who waits.
      sendTimeoutMillis: '0',
    });
    return `${this.options.url}?${query.toString()}`;
  }

  private resend(): void {
    this.heardAt = performance.now();
    for (const pending of this.sent) this.send(pending);
    this.pump();
  }

  private pump(): void {
    while (this.socket.isOpen) {
      const pending = this.waiting[0];
      if (!pending) return;
      const sizeBytes = pending.message.payload.length;
      if (this.sentBytes > 0 && this.sentBytes + sizeBytes > this.options.windowBytes) return;
      this.waiting.shift();
      pending.sequence = this.nextSequence++;
      this.sent.push(pending);
      this.sentBytes += sizeBytes;
      this.send(pending);
    }
  }

  private send(pending: Pending): void {
    if (this.sent[0] === pending) this.heardAt = performance.now();
    pending.timesSent++;
    this.socket.send(frameOf(pending));
  }

  private checkAnswers(): void {
    const isWaiting = this.socket.isOpen && this.sent.length > 0;
    if (isWaiting && performance.now() - this.heardAt > SILENT_MS) this.interrupt('no answer for a minute');
  }

  private take(text: string): void {
    this.heardAt = performance.now();
    const answer = parseAnswer(text);
    const pending = this.sent.find(({ sequence }) => String(sequence) === answer?.context);
    if (!answer || !pending) {
      // An answer that names no message: which one it refused is not known.
      this.beginSeries(answer?.errorMsg ?? 'an answer that cannot be read');
      return;
    }
    // Sent again although it was answered, for the sake of those before it.
    if (pending.isAnswered) return;
    if (answer.result !== 'ok') {
      const said = answer.errorMsg ?? answer.result;
      if (HOPELESS.test(said)) {
        this.sent = this.sent.filter((other) => other !== pending);
        this.settle(pending).reject(new VedetteError('BAD_REQUEST', `Pulsar refuses a message: ${said}`));
        this.beginSeries(said);
      } else {
        // A broker stores no message of a series after one that it did not: all are sent again as they were.
        this.interrupt(said);
      }
      return;
    }
    const id = parseMessageId(Buffer.from(answer.messageId ?? '', 'base64'));
    if (!id || (id.ledgerId < 0 && pending.timesSent === 1)) {
      // Sent once and called a duplicate: the broker's numbers are not ours, and it has dropped the message.
      this.beginSeries('the broker takes a new message for an old one');
      return;
    }
    pending.isAnswered = true;
    this.settle(pending).resolve(id);
    while (this.sent[0]?.isAnswered === true) this.sent.shift();
    this.pump();
  }

  /** Another name, and so other numbers: what has no answer is sent again, and may be stored twice. */
  private beginSeries(problem: string): void {
    this.series++;
    this.nextSequence = 0;
    this.sent = this.sent.filter(({ isAnswered }) => !isAnswered);
    for (const pending of this.sent) {
      pending.sequence = this.nextSequence++;
      pending.timesSent = 0;
    }
    this.interrupt(problem);
  }

  private interrupt(problem: string): void {
    this.options.onNotice('warn', `publishing to ${this.options.url} begins again: ${problem}`);
    this.socket.restart(problem);
  }

  private settle(pending: Pending): Pending {
    clearTimeout(pending.timer);
    this.pendingBytes -= pending.message.payload.length;
    if (pending.sequence >= 0) this.sentBytes -= pending.message.payload.length;
    return pending;
  }

  private giveUp(pending: Pending): void {
    const what = `Pulsar did not store a message within ${this.options.publishTimeoutMs} ms: ${this.socket.problem}`;
    if (pending.sequence < 0) {
      this.waiting = this.waiting.filter((other) => other !== pending);
      this.settle(pending);
    }
    pending.reject(new VedetteError('RAW_LOG_UNAVAILABLE', what));
  }

  private failAll(error: VedetteError): void {
    const all = [...this.sent.filter(({ isAnswered }) => !isAnswered), ...this.waiting];
    this.sent = [];
    this.waiting = [];
    // What was sent may be stored: its numbers are not used again.
    this.series++;
    this.nextSequence = 0;
    for (const pending of all) this.settle(pending).reject(error);
  }
}

function frameOf({ message, sequence }: Pending): string {
  return JSON.stringify({
    payload: Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength).toString(
      'base64',
    ),
    properties: message.properties,
    ...(message.key === undefined ? {} : { key: message.key }),
    context: String(sequence),
  });
}

function parseAnswer(text: string): z.output<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
