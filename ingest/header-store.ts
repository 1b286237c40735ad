/** What the lines behind it cannot be read without, such as the header of a Zeek or CSV file. */
export interface StoredHeader {
  /** Source id, as rows carry it. */
  readonly source: string;
  /** Of the first row that was read with it. */
  readonly position: number;
  /** The decoder's name. */
  readonly format: string;
  /** As {@link Decoder.saveState} gave it. */
  readonly state: string;
}

/**
 * Headers of sources, so that rows can be read again from the middle of a file. Bounded by count: the oldest go, and are
 * counted; rows behind those can no longer be read again.
 */
export interface HeaderStore {
  /** Resolves once durable. The same (source, position) again replaces the first. */
  put(headers: readonly StoredHeader[]): Promise<void>;
  /** Of one source, positions rising. */
  of(source: string): Promise<StoredHeader[]>;
}
