/**
 * The event log: ordered, durable, at-least-once. What is not committed is read again.
 *
 * Order: within a partition, as appended. Offsets count records, from 0, without gaps, and are kept when old records
 * are dropped by retention. Errors: {@link VedetteError} with LOG_FULL (the cap on disk leaves no room), LOG_RANGE (an
 * offset that retention has dropped), LOG_CORRUPT.
 */
export interface EventLog {
  /** Number of partitions of a topic; fixed for the topic's life. */
  partitions(topic: string): number;
  /**
   * Appends in order, and resolves with the first record's offset once all of them are durable; from then on their memory
   * is the caller's again. Of what is rejected it is not.
   */
  append(topic: string, partition: number, records: readonly Uint8Array[]): Promise<number>;
  /** Durable records from `offset` on, at least one where there is one, about `maxBytes` in all; [] at the end. */
  read(topic: string, partition: number, offset: number, limit: { maxBytes: number }): Promise<LogEntry[]>;
  /** Resolves when a durable record at or past `offset` exists, or when the signal aborts. */
  wait(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void>;
  /** First offset still kept, and the offset that the next durable record gets. */
  bounds(topic: string, partition: number): { earliest: number; end: number };
  /** Remembers durably where a group goes on, with a short note of its own (the sink's intent). */
  commit(group: string, topic: string, partition: number, position: GroupPosition): Promise<void>;
  committed(group: string, topic: string, partition: number): Promise<GroupPosition | undefined>;
  close(): Promise<void>;
}

export interface LogEntry {
  readonly offset: number;
  /** Valid until the next read of the same partition. */
  readonly data: Uint8Array;
}

export interface GroupPosition {
  /** The next offset to read. */
  readonly offset: number;
  readonly metadata: string;
}

/** One topic as a deployment declares it. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Segments older than this may go, in milliseconds; undefined keeps them. */
  readonly retentionMs?: number;
  /** Bytes a topic may take on disk before the oldest segments go. */
  readonly retentionBytes?: number;
}
