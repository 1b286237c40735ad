/** Bytes of a source, in order. */
export interface Chunk {
  /** Valid until the next call of {@link ByteSource.next}; may be empty where `last` is set. */
  readonly bytes: Uint8Array;
  /**
   * Position of bytes[0] in its incarnation: the offset in the (decompressed) file, or, for a file set, file index ·
   * 2^40 + offset. Chunks of an incarnation rise; within a file they have no gaps.
   */
  readonly position: number;
  /** The source's id: changes when a file is replaced or truncated, and never otherwise. */
  readonly incarnation: string;
  /** Where the bytes were read from, for people and for format detection. */
  readonly path: string;
  /** The file ends with this chunk: an unfinished line is its last. */
  readonly last: boolean;
  /** Why the file ends before its time, on its last chunk. */
  readonly problem?: 'decompression_limit' | 'truncated_input';
}

/** Pulled, so that nobody reads ahead of what is processed. Reading errors of the system reject, and end the source. */
export interface ByteSource {
  /** The next chunk; undefined once the source has ended or was closed. */
  next(): Promise<Chunk | undefined>;
  close(): Promise<void>;
}

/** Bytes read at once. */
export const READ_BYTES = 256 * 1024;
