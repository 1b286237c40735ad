import type { AlertStore } from '../alerts/alert.ts';
import type { JobQueue } from '../batch/job-queue.ts';
import type { DeadLetterFilter, DeadLetterStore } from '../ingest/dead-letter.ts';

/** What the HTTP interface stands on; the composition root makes it. Everything is loopback only until keys exist. */
export interface Backend {
  readonly alerts: AlertStore;
  readonly deadLetters: DeadLetterStore;
  /** Work that is done later; it is begun by whoever runs the instance. */
  readonly jobs: Pick<JobQueue, 'add' | 'get' | 'list' | 'cancel' | 'retry'>;
  /** Raw rows of an alert's evidence, newest first: for `show`. */
  sampleEvents(uid: string, limit: number): Promise<Record<string, unknown>[]>;
  /** Runs one statement read-only. Errors: OLAP_REFUSED with ClickHouse's words, OLAP_UNAVAILABLE. */
  sql(statement: string, parameters: Readonly<Record<string, string>>, options: SqlOptions): Promise<SqlResult>;
  /** Hands records to ingest and resolves once they are durable. */
  ingest(request: IngestRequest): Promise<IngestReply | AcceptedReply>;
  replayDeadLetters(
    filter: DeadLetterFilter & { readonly ids?: readonly number[] },
  ): Promise<{ replayed: number; events: number; deadLetters: number }>;
  status(): Promise<Status>;
  /** Text in Prometheus's exposition format. */
  metrics(): Promise<{ contentType: string; text: string }>;
  /** What is not ready yet, in words; empty when everything is. */
  notReady(): Promise<string[]>;
  /** Calls back with the uid of every alert that changes, until the returned function is called. */
  onAlertChange(listener: (uid: string) => void): () => void;
  /** Wall clock, ms. */
  now(): number;
}

export interface SqlOptions {
  /** csv: with a header line, texts quoted, numbers not; the command line makes its tables out of it. */
  readonly format: 'json' | 'ndjson' | 'csv' | 'table';
  readonly maxRows: number;
  readonly timeoutMs: number;
}

export interface SqlResult {
  readonly contentType: string;
  readonly body: string;
  readonly rows: number;
  readonly elapsedMs: number;
}

export interface IngestRequest {
  /** Decompressed body, or the compressed one with its encoding: the pipeline applies the limits. */
  readonly body: Uint8Array;
  readonly encoding: 'identity' | 'gzip';
  /** Format name; undefined: by content. */
  readonly format?: string;
  readonly idempotencyKey?: string;
}

export interface IngestReply {
  readonly events: number;
  readonly late: number;
  readonly deadLetters: number;
  /** The same key was answered before with this. */
  readonly replayed: boolean;
}

/** Where records go into the raw log first: they are durable, and are read later. */
export interface AcceptedReply {
  readonly acceptedRecords: number;
  readonly messages: number;
}

export interface SourceStatus {
  readonly source: string;
  readonly format: string;
  readonly state: 'active' | 'idle' | 'closed';
  readonly events: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly eventsPerSecond: number;
  readonly lastReceivedMs?: number;
  /** Event time up to which the source is complete. */
  readonly watermarkMs?: number;
}

export interface Status {
  readonly version: string;
  readonly startedMs: number;
  readonly dataDir: string;
  readonly isSample: boolean;
  /** Where one process does not know all: what the rest is about. */
  readonly note?: string;
  readonly sources: readonly SourceStatus[];
  readonly eventsPerSecond: number;
  readonly totals: {
    readonly events: number;
    readonly late: number;
    readonly deadLetters: number;
    readonly duplicates: number;
  };
  readonly partitions: readonly {
    readonly stage: 1 | 2;
    readonly partition: number;
    readonly offset: number;
    readonly end: number;
    /** Event time up to which panes are closed. */
    readonly closedUpToMs?: number;
    readonly checkpoint?: { readonly atMs: number; readonly offset: number; readonly sizeBytes: number };
  }[];
  readonly sink: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly end: number;
  }[];
  readonly olap: {
    readonly state: string;
    readonly restarts: number;
    readonly tables: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
  };
  readonly logBytes: number;
  readonly entities: {
    readonly hosts: number;
    readonly targets: number;
    readonly devices: number;
    readonly series: number;
  };
  readonly alerts: { readonly open: number; readonly total: number };
  readonly dropped: Readonly<Record<string, number>>;
  /** When nothing arrives, or something is wrong: what to check, in words. */
  readonly advice: readonly string[];
  /** Events a minute for the last hour, oldest first. */
  readonly arrivals: readonly { readonly minuteMs: number; readonly events: number }[];
}
