/**
 * The raw log: messages of log lines as devices, shippers and listeners publish them, kept until they are in the event
 * log. Topics are partitioned; a topic's partition count never changes.
 *
 * Order: within a partition, as published by one raw log; a consumer gets a partition's messages in that order. Every
 * consumer of a subscription may ask for a partition, one of them gets its messages, and another takes over when that
 * one goes.
 *
 * Redelivery: at least once. What is not acknowledged comes again, in order, after a lost connection or to whoever takes
 * over; what was acknowledged shortly before a broker died may come again as well. To who takes over from somebody who
 * died, a broker may hand what was published just now before what comes again: ids show that something is missing.
 *
 * Errors: {@link VedetteError} with RAW_LOG_UNAVAILABLE (away, or takes nothing; try again), UNAUTHORIZED (said once, and
 * not tried again by itself), BAD_REQUEST (a message that no broker would take), CONFIG_INVALID (a topic that exists
 * otherwise than it is declared), NOT_FOUND (a topic that may not be created, or was not opened).
 */
export interface RawLog {
  /** Makes the topic if it is missing and may be made; to be called before the other methods name it. */
  open(topic: RawTopicSpec): Promise<RawTopic>;
  /**
   * Resolves once durable. Rejected with RAW_LOG_UNAVAILABLE, a message that was already on its way may still be
   * stored, and does not hold up those behind it: who must have them in order waits for each. Memory is bounded: what
   * goes beyond it is rejected at once.
   */
  publish(topic: string, partition: number, message: RawMessage): Promise<RawMessageId>;
  /** Joins a subscription for one partition, from its oldest message on where the subscription is new. */
  consume(options: ConsumeOptions): RawConsumer;
  /** By partition: whether it is this raw log's consumer that gets the messages at present. */
  held(topic: string, subscription: string): Promise<readonly boolean[]>;
  /** Leaves its subscriptions and drops what is not published yet, with RAW_LOG_UNAVAILABLE. */
  close(): Promise<void>;
}

export interface RawTopicSpec {
  readonly name: string;
  readonly partitions: number;
}

export interface RawTopic extends RawTopicSpec {
  /** Another one once the topic was deleted and made again, in whatever cluster. */
  readonly incarnation: string;
}

export interface RawMessage {
  readonly payload: Uint8Array;
  readonly properties: Readonly<Record<string, string>>;
  /** What keeps its order: of a client that chooses partitions by key, all messages of a key are in one. */
  readonly key?: string;
}

/** Rises within a partition, by ledger, entry and index. −1, −1 for a message that the broker already had. */
export interface RawMessageId {
  readonly ledgerId: number;
  readonly entryId: number;
  /** Index in a batch that its producer's client made; −1 outside one. */
  readonly batchIndex: number;
}

export interface ReceivedMessage extends RawMessage {
  readonly id: RawMessageId;
  /** When the broker took it, ms since 1970 UTC: the same in every redelivery. */
  readonly publishedMs: number;
  /** Set where the transport could not read it; the payload is what came. */
  readonly isDamaged?: true;
}

export interface ConsumeOptions {
  readonly topic: string;
  readonly partition: number;
  readonly subscription: string;
  /** Messages that may be with the consumer without being acknowledged: no more are sent until some are. */
  readonly permits: number;
  /** Called in order, one at a time. */
  readonly onMessage: (message: ReceivedMessage) => void;
  /** The connection was lost: what is not acknowledged comes again from here on, in order. */
  readonly onReset: () => void;
  /** The subscription has ended for good. */
  readonly onFailed: (error: Error) => void;
}

export interface RawConsumer {
  readonly isConnected: boolean;
  /** These need not come again. Nobody answers, so they may come all the same. */
  ack(messages: readonly ReceivedMessage[]): void;
  /** Has what is not acknowledged come again, in order; `onReset` is called before that. */
  redeliver(why: string): void;
  close(): Promise<void>;
}

/** Below 0 where `left` is older than `right`, 0 for the same message. */
export function compareIds(left: RawMessageId, right: RawMessageId): number {
  if (left.ledgerId !== right.ledgerId) return left.ledgerId - right.ledgerId;
  if (left.entryId !== right.entryId) return left.entryId - right.entryId;
  return left.batchIndex - right.batchIndex;
}
