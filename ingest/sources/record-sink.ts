/**
 * Where a splitter puts what it finds. `bytes[start, end)` is valid during the call only; `position` is the offset of
 * the record's first byte in the (decompressed) stream, as the chunk's position gave it.
 */
export interface RecordSink {
  record(bytes: Uint8Array, start: number, end: number, position: number): void;
  /**
   * A record that can't be handed on: longer than the limit, or the stream ended inside it. `head` holds at most its
   * first {@link REJECTED_HEAD_BYTES} bytes, for the dead letter.
   */
  rejected(reason: 'too_long' | 'truncated_input', position: number, head: Uint8Array): void;
}

/** Cuts a stream of chunks into records. Nothing that it is given makes it throw; its memory is bounded by the limit. */
export interface Splitter {
  /** `position` is that of bytes[0]; chunks follow each other without a gap until {@link finish}. */
  push(bytes: Uint8Array, position: number): void;
  /** The stream ends: what is held is the last record. The splitter is then as new. */
  finish(): void;
  /** Where reading must go on after a restart, so that no record is lost or cut: the start of what is held. */
  readonly resumePosition: number;
}

export interface SplitterOptions {
  /** Longest record, bytes, without its line end. Default 1 MiB. */
  readonly maxRecordBytes?: number;
}

export const DEFAULT_MAX_RECORD_BYTES = 1024 * 1024;
export const REJECTED_HEAD_BYTES = 1024;
