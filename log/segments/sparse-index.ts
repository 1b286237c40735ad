/** Bytes between two entries: at most this much is read in vain before the record that was asked for. */
const INTERVAL_BYTES = 32 << 10;

export interface IndexEntry {
  readonly offset: number;
  /** Byte position in the segment file. */
  readonly position: number;
}

/** Some of a segment's offsets and where they lie: one entry for every 32 KiB of log. */
export class SparseIndex {
  readonly entries: IndexEntry[];

  constructor(entries: IndexEntry[] = []) {
    this.entries = entries;
  }

  /** Takes note of a record; records come in order. */
  note(offset: number, position: number): void {
    const last = this.entries.at(-1);
    if (last === undefined || position - last.position >= INTERVAL_BYTES) this.entries.push({ offset, position });
  }

  /** The last entry at or before `offset`. */
  floor(offset: number): IndexEntry | undefined {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    return this.entries[low - 1];
  }
}
