import type { EventLog } from '../log/event-log.ts';
import type { OlapClient } from './client.ts';
import type { BatchLimits, BlockCodec } from './sink-batch.ts';

/** Where a topic's records go. */
export interface SinkRoute {
  readonly topic: string;
  /** `database.table`. */
  readonly table: string;
  readonly codec: BlockCodec;
}

/** Points at which fault tests end the process. */
export type SinkPoint = 'intent_written' | 'rows_sent' | 'rows_acked';

/** Counters of the sink; labels are bounded. */
export interface SinkMetrics {
  stored(insert: { topic: string; partition: number; rows: number; sizeBytes: number; durationMs: number }): void;
  /** Rows dropped since their source's position was stored before. */
  duplicates(topic: string, rows: number): void;
  /** An insert that failed and is tried again. */
  retried(topic: string, code: string): void;
  /** A record that could not be parsed and was passed over. */
  corrupt(topic: string, partition: number, offset: number): void;
  /** Records that the log's retention dropped before they were stored. */
  lost(topic: string, partition: number, records: number): void;
}

export interface SinkLimits extends BatchLimits {
  /** How long little data waits for more, ms. */
  readonly flushMs: number;
  /** Less than this waits for more, bytes. */
  readonly eagerBytes: number;
  /** Sources whose positions a partition remembers. */
  readonly maxSources: number;
  /** First and longest pause between tries of an insert, ms. */
  readonly retryMs: { readonly first: number; readonly max: number };
}

export interface SinkDependencies {
  readonly log: EventLog;
  readonly client: OlapClient;
  readonly metrics: SinkMetrics;
  readonly at?: (point: SinkPoint) => void;
  /** Told when inserts stop working, and when they work again. */
  readonly onNotice?: (level: 'info' | 'warn' | 'error', message: string) => void;
}
