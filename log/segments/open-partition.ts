import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DurableFile } from './durable-file.ts';
import { readIndexFile } from './index-file.ts';
import { syncFolder } from './log-files.ts';
import { createSegmentFile, PartitionLog, type PartitionDeps } from './partition-log.ts';
import { scanSegment } from './scan.ts';
import {
  baseOffsetOf,
  emptySegment,
  indexPath,
  removeSegment,
  SEGMENT_HEADER_BYTES,
  segmentPath,
  type Segment,
} from './segment.ts';

interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  readonly folder: string;
  /** The highest offset that a group has committed here. */
  readonly highestCommitted: number;
}

/** Opens a partition as the last process left it: what was acknowledged is kept, a torn end is cut off. */
export async function openPartition(place: PartitionPlace, deps: PartitionDeps): Promise<PartitionLog> {
  await mkdir(place.folder, { recursive: true });
  const baseOffsets = await findSegments(place.folder);
  const growing = await whereAppendsWent(place.folder, baseOffsets);
  const segments: Segment[] = [];
  for (const [index, baseOffset] of baseOffsets.entries()) {
    const segment = await openSegment(place, { baseOffset, place: index < growing ? 'sealed' : 'tail' }, deps);
    if (baseOffset < (segments.at(-1)?.endOffset ?? 0)) await removeSegment(segment.path);
    else segments.push(segment);
  }
  const file = await openForAppending(segments, place, deps);
  for (const segment of segments) deps.budget.add(segment.sizeBytes);
  const log = new PartitionLog(place, { segments, file }, deps);
  await goOnBehindCommitted(log, place, deps);
  return log;
}

async function findSegments(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  const baseOffsets = names.flatMap((name) => baseOffsetOf(name) ?? []).sort((a, b) => a - b);
  const kept = new Set(baseOffsets.map((baseOffset) => segmentPath(folder, baseOffset)));
  // A crash while a segment was dropped can leave its index behind.
  for (const name of names.filter((candidate) => candidate.endsWith('.index'))) {
    if (!kept.has(join(folder, name.replace(/\.index$/, '.log')))) await rm(join(folder, name));
  }
  return baseOffsets;
}

/**
 * The index of the segment that was appended to last. An empty one at the end may be left from a start of a segment
 * that failed, on a full disk say, after which appends went on in the one before; that one's records then overlap it.
 */
async function whereAppendsWent(folder: string, baseOffsets: readonly number[]): Promise<number> {
  const last = baseOffsets.at(-1);
  if (last === undefined) return 0;
  const { size } = await stat(segmentPath(folder, last));
  return size > SEGMENT_HEADER_BYTES ? baseOffsets.length - 1 : baseOffsets.length - 2;
}

async function openSegment(
  { topic, partition, folder }: PartitionPlace,
  which: { baseOffset: number; place: 'tail' | 'sealed' },
  deps: PartitionDeps,
): Promise<Segment> {
  const path = segmentPath(folder, which.baseOffset);
  const indexed = await readIndexFile(path, which.baseOffset);
  if (indexed !== undefined) return indexed;
  const { segment, tornBytes, damaged } = await scanSegment(path, { ...which, salt: deps.salt });
  const at = `${topic}/${String(partition)}`;
  for (const { from, to } of damaged) {
    const message = `${at}: the records at offsets ${String(from)} to ${String(to - 1)} are damaged.`;
    deps.warn({ kind: 'records-damaged', topic, partition, offset: from, count: to - from, message });
  }
  if (tornBytes > 0) {
    const offset = segment.endOffset;
    const message = `${at}: ${String(tornBytes)} bytes behind the last good record, ${String(offset - 1)}, are `;
    if (which.place === 'sealed') {
      deps.warn({ kind: 'records-damaged', topic, partition, offset, count: tornBytes, message: `${message}damaged.` });
    } else {
      deps.counters.tornBytes += tornBytes;
      deps.warn({ kind: 'tail-cut', topic, partition, offset, count: tornBytes, message: `${message}cut off.` });
    }
  }
  return segment;
}

/** The last segment's file, cut behind its last good record; or the first segment of a new partition. */
async function openForAppending(segments: Segment[], place: PartitionPlace, deps: PartitionDeps): Promise<DurableFile> {
  const last = segments.at(-1);
  if (last === undefined || last.endOffset === last.baseOffset) {
    // An empty one may have lost its header to a crash.
    const fresh = emptySegment(place.folder, last?.baseOffset ?? 0, deps.now());
    segments.splice(-1, 1, fresh);
    return createSegmentFile(fresh, deps);
  }
  await rm(indexPath(last.path), { force: true });
  const file = await deps.files.openForWriting(last.path);
  await file.truncate(last.sizeBytes);
  if (deps.fsync === 'group') {
    await file.sync();
    await syncFolder(place.folder);
  }
  return new DurableFile(file, Math.max(last.sizeBytes, SEGMENT_HEADER_BYTES), deps.fsync);
}

/**
 * A damaged disk can take the end of the log, but not the position behind it. Offsets are never given out twice: a
 * group that had read the lost records would pass over the new ones.
 */
async function goOnBehindCommitted(log: PartitionLog, place: PartitionPlace, deps: PartitionDeps): Promise<void> {
  const { end } = log.bounds;
  if (place.highestCommitted <= end) return;
  await log.roll(place.highestCommitted);
  const count = place.highestCommitted - end;
  const message =
    `${place.topic}/${String(place.partition)}: ${String(count)} records from offset ${String(end)} on had been ` +
    'processed and are missing; new ones get offsets behind them.';
  deps.warn({ kind: 'records-missing', topic: place.topic, partition: place.partition, offset: end, count, message });
}
