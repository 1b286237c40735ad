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
 * Headers of sources, so that rows can be read again from the middle of a file. Bounded, by count or by age, as the
 * adapter says: the oldest go; rows behind those can no longer be read again. Of a source that comes in messages, each
 * with its header, ingest puts the same header again once a day: by age none goes before its rows.
 */
export interface HeaderStore {
  /** Resolves once durable. The same (source, position) again replaces the first. */
  put(headers: readonly StoredHeader[]): Promise<void>;
  /** Of one source, positions rising. */
  of(source: string): Promise<StoredHeader[]>;
}
