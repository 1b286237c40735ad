import { dirname } from 'node:path';
import { VedetteError } from '../../model/errors.ts';
import type { LogEntry } from '../event-log.ts';
import type { DiskBudget } from './disk-budget.ts';
import { DurableFile, type FsyncMode } from './durable-file.ts';
import { encodeBatch, frameBytes, MAX_RECORD_BYTES } from './frame.ts';
import { GroupCommit } from './group-commit.ts';
import { writeIndexFile } from './index-file.ts';
import { asAppendError, errorCode, syncFolder, type LogFiles } from './log-files.ts';
import type { ReadHandles } from './read-handles.ts';
import { emptySegment, encodeSegmentHeader, removeSegment, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import { readSegment, type Damage } from './segment-reader.ts';
import { Serial } from '../../model/serial.ts';
import type { LogCounters, LogPoint } from './stats.ts';
import type { TailCache } from './tail-cache.ts';
import { Waiters } from './waiters.ts';
import type { OnWarning } from './warnings.ts';

/** More waits for the next batch, so that one batch in memory stays small. */
const MAX_BATCH_BYTES = 8 << 20;

/** What the partitions of a log share. */
export interface PartitionDeps {
  readonly salt: number;
  readonly segmentBytes: number;
  readonly fsync: FsyncMode;
  readonly files: LogFiles;
  readonly cache: TailCache;
  readonly handles: ReadHandles;
  readonly counters: LogCounters;
  readonly now: () => number;
  readonly at: (point: LogPoint) => void;
  readonly budget: DiskBudget;
  readonly warn: OnWarning;
  readonly onRolled: () => void;
}

interface Append {
  readonly records: readonly Uint8Array[];
  readonly bytes: number;
  firstOffset: number;
}

/** One partition: an ordered list of segment files, of which the last one grows. */
export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  readonly #deps: PartitionDeps;
  readonly #folder: string;
  readonly #segments: Segment[];
  #file: DurableFile;
  readonly #writes = new Serial();
  readonly #appends: GroupCommit<Append>;
  readonly #waiters = new Waiters();

  /** `segments`: at least one; `file` is the last one's. */
  constructor(
    name: { topic: string; partition: number },
    content: { segments: Segment[]; file: DurableFile },
    deps: PartitionDeps,
  ) {
    this.topic = name.topic;
    this.partition = name.partition;
    this.#deps = deps;
    this.#segments = content.segments;
    this.#file = content.file;
    this.#folder = dirname(content.segments[0]!.path);
    this.#appends = new GroupCommit((appends) => this.#flush(appends));
  }

  get bounds(): { earliest: number; end: number } {
    return { earliest: this.#segments[0]!.baseOffset, end: this.#active.endOffset };
  }

  /** Oldest first; the last one grows. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get #active(): Segment {
    return this.#segments.at(-1)!;
  }

  async append(records: readonly Uint8Array[]): Promise<number> {
    const tooLong = records.find((record) => record.byteLength > MAX_RECORD_BYTES);
    if (tooLong !== undefined) {
      throw new VedetteError('BAD_REQUEST', `A record of ${String(tooLong.byteLength)} bytes is longer than 1 GiB.`);
    }
    const bytes = records.reduce((sum, record) => sum + frameBytes(record), 0);
    const append = { records, bytes, firstOffset: -1 };
    await this.#appends.add(append);
    return append.firstOffset;
  }

  async read(offset: number, maxBytes: number): Promise<LogEntry[]> {
    const found = await this.#readOrDamage(offset, maxBytes);
    if (Array.isArray(found)) return found;
    throw new VedetteError(
      'LOG_CORRUPT',
      `${this.#where}: the records at offsets ${String(offset)} to ${String(found.to - 1)} are damaged or missing; ` +
        `reading can go on at ${String(found.to)}.`,
    );
  }

  /** The first offset at or past `offset` where reading can go on; counts the records between. */
  async skipDamaged(offset: number): Promise<number> {
    const found = await this.#readOrDamage(offset, 1);
    if (Array.isArray(found)) return offset;
    this.#deps.counters.skippedDamaged += found.to - offset;
    return found.to;
  }

  wait(offset: number, signal: AbortSignal): Promise<void> {
    return offset < this.bounds.end ? Promise.resolve() : this.#waiters.wait(offset, signal);
  }

  /** Seals the growing segment when it holds anything, and starts the next one, at `nextOffset` where given. */
  roll(nextOffset?: number): Promise<void> {
    return this.#writes.run(() => this.#roll(nextOffset));
  }

  /** Removes the first segment, which must be sealed. The caller keeps drops in order, one at a time. */
  async dropFirst(): Promise<Segment> {
    const segment = this.#segments[0]!;
    if (this.#segments.length === 1) throw new RangeError(`${this.#where}: the segment that grows can't be dropped`);
    this.#segments.shift();
    this.#deps.counters.droppedSegments++;
    this.#deps.counters.droppedRecords += segment.endOffset - segment.baseOffset;
    this.#deps.budget.release(segment.sizeBytes);
    await this.#deps.handles.forget(segment.path);
    await removeSegment(segment.path);
    return segment;
  }

  async close(): Promise<void> {
    await this.#appends.idle();
    // Its index spares the next open from reading the whole segment.
    await this.#writes.run(() => this.#seal(this.#active, this.#file));
    this.#waiters.wakeAll();
  }

  get #where(): string {
    return `${this.topic}/${String(this.partition)}`;
  }

  async #flush(appends: readonly Append[]): Promise<number> {
    const count = this.#countForOneBatch(appends);
    const batch = appends.slice(0, count);
    const bytes = batch.reduce((sum, append) => sum + append.bytes, 0);
    const { budget } = this.#deps;
    await budget.reserve(bytes + SEGMENT_HEADER_BYTES);
    try {
      await this.#writes.run(() => this.#write(batch, bytes));
    } catch (error) {
      budget.release(bytes);
      throw asAppendError(error, this.#where);
    } finally {
      // A new segment has counted its header by itself.
      budget.release(SEGMENT_HEADER_BYTES);
    }
    return count;
  }

  /** How many of those that wait fit into the growing segment, or into a new one. */
  #countForOneBatch(appends: readonly Append[]): number {
    const first = appends[0]?.bytes ?? 0;
    const leftBytes = this.#deps.segmentBytes - this.#active.sizeBytes;
    const roomBytes = Math.min(MAX_BATCH_BYTES, first > leftBytes ? this.#deps.segmentBytes : leftBytes);
    let count = 1;
    let bytes = first;
    for (const append of appends.slice(1)) {
      bytes += append.bytes;
      if (bytes > roomBytes) break;
      count++;
    }
    return count;
  }

  async #write(batch: readonly Append[], bytes: number): Promise<void> {
    if (this.#active.sizeBytes + bytes > this.#deps.segmentBytes) await this.#roll();
    const active = this.#active;
    const { counters, at } = this.#deps;
    let next = active.endOffset;
    for (const append of batch) {
      append.firstOffset = next;
      next += append.records.length;
    }
    if (bytes === 0) return;
    const records = batch.flatMap((append) => append.records);
    const frames = encodeBatch(records, active.endOffset, this.#deps.salt);
    await this.#file.append(frames, () => {
      at('log:written');
    });
    at('log:synced');
    counters.batches++;
    counters.appendedRecords += records.length;
    counters.appendedBytes += bytes;
    this.#deps.cache.put({ partition: this, baseOffset: active.endOffset, endOffset: next, frames });
    for (const record of records) {
      active.index.note(active.endOffset++, active.sizeBytes);
      active.sizeBytes += frameBytes(record);
    }
    active.lastAppendMs = this.#deps.now();
    this.#waiters.advance(next);
  }

  async #roll(nextOffset = this.#active.endOffset): Promise<void> {
    const sealed = this.#active;
    if (sealed.endOffset === nextOffset && sealed.baseOffset === nextOffset) return;
    const segment = emptySegment(this.#folder, nextOffset, this.#deps.now());
    const file = await createSegmentFile(segment, this.#deps);
    const seal = this.#seal(sealed, this.#file);
    this.#segments.push(segment);
    this.#file = file;
    this.#deps.budget.add(SEGMENT_HEADER_BYTES);
    this.#deps.at('log:rolled');
    await seal;
    this.#deps.onRolled();
  }

  /** All of it is durable already: what fails here costs time at the next open, no more. */
  async #seal(segment: Segment, file: DurableFile): Promise<void> {
    try {
      await file.close();
      await writeIndexFile(segment);
    } catch (error) {
      this.#deps.warn({ kind: 'upkeep-failed', message: `Can't write the index of ${segment.path}: ${String(error)}` });
    }
  }

  async #readOrDamage(offset: number, maxBytes: number): Promise<LogEntry[] | Damage> {
    const { earliest, end } = this.bounds;
    if (offset === end) return [];
    if (offset < earliest || offset > end) throw this.#outOfRange(offset);
    const cached = this.#deps.cache.read(this, offset, maxBytes);
    if (cached !== undefined) return cached;
    const at = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset);
    const segment = this.#segments[at]!;
    if (offset >= segment.endOffset) return { from: offset, to: this.#segments[at + 1]?.baseOffset ?? end };
    const request = { offset, maxBytes, salt: this.#deps.salt };
    try {
      return await this.#deps.handles.use(segment.path, (handle) => readSegment(segment, handle, request));
    } catch (error) {
      // Retention may have removed the file between finding and opening it.
      if (errorCode(error) === 'ENOENT' && offset < this.bounds.earliest) throw this.#outOfRange(offset);
      throw error;
    }
  }

  #outOfRange(offset: number): VedetteError {
    const { earliest, end } = this.bounds;
    return new VedetteError(
      'LOG_RANGE',
      `${this.#where}: offset ${String(offset)} is not kept; the log has ${String(earliest)} to ${String(end)}.`,
    );
  }
}

/** Creates the file with its header; its name is durable, its content with the first batch. */
export async function createSegmentFile(
  segment: Segment,
  options: { files: LogFiles; fsync: FsyncMode },
): Promise<DurableFile> {
  const file = await options.files.openForWriting(segment.path);
  try {
    await file.truncate(0);
    await file.write(encodeSegmentHeader(segment.baseOffset, segment.createdMs), 0);
    if (options.fsync === 'group') await syncFolder(dirname(segment.path));
  } catch (error) {
    await file.close();
    await removeSegment(segment.path);
    throw error;
  }
  return new DurableFile(file, SEGMENT_HEADER_BYTES, options.fsync);
}
