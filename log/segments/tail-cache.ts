import type { LogEntry } from '../event-log.ts';
import { decodeFrame } from './frame.ts';

/** What a batch takes in memory besides its bytes, about. */
const OVERHEAD_BYTES = 256;

interface Batch {
  readonly partition: object;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly frames: Buffer;
}

/** The latest batches of all partitions, so that readers who are up to date never touch the disk. */
export class TailCache {
  readonly #maxBytes: number;
  /** In the order of their arrival, over all partitions. */
  readonly #arrivals = new Set<Batch>();
  readonly #byPartition = new Map<object, Batch[]>();
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the batch over: its bytes must not change any more. */
  put(batch: Batch): void {
    this.#arrivals.add(batch);
    const batches = this.#byPartition.get(batch.partition);
    if (batches === undefined) this.#byPartition.set(batch.partition, [batch]);
    else batches.push(batch);
    this.#usedBytes += costOf(batch);
    for (const oldest of this.#arrivals) {
      if (this.#usedBytes <= this.#maxBytes) break;
      this.#arrivals.delete(oldest);
      this.#byPartition.get(oldest.partition)?.shift();
      this.#usedBytes -= costOf(oldest);
    }
  }

  /** Records from `offset` on, at least one, about `maxBytes`; undefined when that offset is not here. */
  read(partition: object, offset: number, maxBytes: number): LogEntry[] | undefined {
    const batches = this.#byPartition.get(partition);
    if (batches === undefined) return undefined;
    let at = firstEndingPast(batches, offset);
    const entries: LogEntry[] = [];
    let wanted = offset;
    let bytes = 0;
    for (let batch = batches[at]; batch !== undefined && batch.baseOffset <= wanted; batch = batches[++at]) {
      for (let position = 0; position < batch.frames.length;) {
        const frame = decodeFrame(batch.frames, position);
        position += frame.frameBytes;
        if (frame.offset < wanted) continue;
        bytes += frame.data.length;
        if (entries.length > 0 && bytes > maxBytes) return entries;
        entries.push({ offset: frame.offset, data: frame.data });
      }
      wanted = batch.endOffset;
    }
    return entries.length > 0 ? entries : undefined;
  }
}

function costOf(batch: Batch): number {
  return batch.frames.length + OVERHEAD_BYTES;
}

function firstEndingPast(batches: readonly Batch[], offset: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (batches[middle]!.endOffset > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
