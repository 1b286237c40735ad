import type { LogEntry } from '../event-log.ts';
import { decodeEntries, openBatch } from './decode-batch.ts';
import type { RecordBatch } from './record-batch.ts';
import type { RecordRange } from './record-cursor.ts';

/** A batch in memory, for readers of `[from, batch.nextOffset)`; between `from` and its base nothing was ever kept. */
export class HeldBatch {
  readonly from: number;
  readonly batch: RecordBatch;
  #entries: Promise<LogEntry[]> | undefined;
  #range: Promise<RecordRange | undefined> | undefined;

  constructor(from: number, batch: RecordBatch) {
    this.from = from;
    this.batch = batch;
  }

  get sizeBytes(): number {
    return this.batch.end - this.batch.start;
  }

  /** Decoded once for all readers. Errors: LOG_CORRUPT, every time. */
  entries(): Promise<LogEntry[]> {
    this.#entries ??= decodeEntries(this.batch);
    return this.#entries;
  }

  range(): Promise<RecordRange | undefined> {
    this.#range ??= openBatch(this.batch);
    return this.#range;
  }
}

/** The batches of one partition that are in memory, in order, without overlap; there may be gaps between them. */
export class BatchWindow {
  #held: HeldBatch[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  find(offset: number): HeldBatch | undefined {
    return this.#held.find(({ from, batch }) => from <= offset && offset < batch.nextOffset);
  }

  /** How far one can read on from `offset` without a gap, and the bytes in that. */
  coverage(offset: number): { readonly end: number; readonly bytes: number } {
    let end = offset;
    let bytes = 0;
    for (const held of this.#held) {
      if (held.from > end) break;
      if (held.batch.nextOffset <= end) continue;
      end = held.batch.nextOffset;
      bytes += held.sizeBytes;
    }
    return { end, bytes };
  }

  /** Takes what a fetch from `offset` gave; what is there already stays. */
  insert(offset: number, batches: readonly RecordBatch[]): void {
    let from = offset;
    for (const batch of batches) {
      const held = new HeldBatch(Math.min(from, batch.baseOffset), batch);
      from = batch.nextOffset;
      const at = this.#held.findIndex((other) => other.batch.nextOffset > held.from);
      const next = at < 0 ? undefined : this.#held[at];
      if (next && next.from < batch.nextOffset) continue;
      this.#held.splice(at < 0 ? this.#held.length : at, 0, held);
      this.#sizeBytes += held.sizeBytes;
    }
  }

  /** Drops what all readers have behind them: uncompressed, it is several times what was fetched. */
  trim(readFrom: number): void {
    let count = 0;
    while (count < this.#held.length) {
      const held = this.#held[count]!;
      if (held.batch.nextOffset > readFrom) break;
      this.#sizeBytes -= held.sizeBytes;
      count++;
    }
    if (count > 0) this.#held.splice(0, count);
  }

  clear(): void {
    this.#held = [];
    this.#sizeBytes = 0;
  }
}
