import type { DeadLetterReason } from './decoder.ts';

/** A record that could not be read, kept with what is needed to find it, mend what was wrong, and read it again. */
export interface DeadLetter {
  /** Rises; unique in a store. */
  readonly id: number;
  readonly source: string;
  readonly position: number;
  readonly format: string;
  readonly reason: DeadLetterReason;
  readonly receivedMs: number;
  /** The record's bytes, cut at 64 KiB; `sizeBytes` is the whole length. */
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  /** What its decoder had kept from before, such as a header, where it had anything: needed to read it again. */
  readonly decoderState?: string;
  readonly replayedMs?: number;
}

export interface DeadLetterFilter {
  readonly reason?: string;
  readonly source?: string;
  readonly format?: string;
  /** Only those not replayed yet. */
  readonly pending?: boolean;
}

/** Dead letters, newest first in a listing. Bounded by bytes: the oldest go, and are counted. */
export interface DeadLetterStore {
  /** Resolves once durable. The same (source, position) again replaces the first. */
  put(letters: readonly Omit<DeadLetter, 'id'>[]): Promise<void>;
  get(id: number): Promise<DeadLetter | undefined>;
  list(
    filter: DeadLetterFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ letters: DeadLetter[]; next?: string }>;
  /** By reason, all that are kept. */
  counts(): Promise<Record<string, number>>;
  markReplayed(ids: readonly number[], atMs: number): Promise<void>;
  close(): Promise<void>;
}
