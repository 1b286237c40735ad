import { readFile, stat, writeFile } from 'node:fs/promises';
import { crc32 } from '../../model/crc32.ts';
import { errorCode } from './log-files.ts';
import { indexPath, type Segment } from './segment.ts';
import { SparseIndex } from './sparse-index.ts';

/*
 * Beside a sealed segment: what a scan of it would find, so that a large log opens at once. Little-endian f64 each:
 * version, base offset, end offset, size in bytes, created, last append, then (offset, position) of the index; at the
 * end a u32 CRC-32 of all that. It is never synced: a torn one fails its CRC, and the segment is scanned instead.
 */
const VERSION = 1;
const FIXED_FIELDS = 6;

export async function writeIndexFile(segment: Segment): Promise<void> {
  const { entries } = segment.index;
  const fields = [
    VERSION,
    segment.baseOffset,
    segment.endOffset,
    segment.sizeBytes,
    segment.createdMs,
    segment.lastAppendMs,
  ];
  for (const entry of entries) fields.push(entry.offset, entry.position);
  const buffer = Buffer.alloc(fields.length * 8 + 4);
  fields.forEach((field, index) => buffer.writeDoubleLE(field, index * 8));
  buffer.writeUInt32LE(crc32(buffer.subarray(0, fields.length * 8)), fields.length * 8);
  await writeFile(indexPath(segment.path), buffer);
}

/** The segment as its index file describes it; undefined when there is none, or it does not fit the segment. */
export async function readIndexFile(path: string, baseOffset: number): Promise<Segment | undefined> {
  const buffer = await readFile(indexPath(path)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const bodyBytes = buffer.length - 4;
  if (bodyBytes < FIXED_FIELDS * 8 || bodyBytes % 16 !== 0) return undefined;
  if (buffer.readUInt32LE(bodyBytes) !== crc32(buffer.subarray(0, bodyBytes))) return undefined;
  const field = (index: number) => buffer.readDoubleLE(index * 8);
  const { size } = await stat(path);
  if (field(0) !== VERSION || field(1) !== baseOffset || field(3) !== size) return undefined;
  const entries = Array.from({ length: bodyBytes / 16 - FIXED_FIELDS / 2 }, (_, index) => ({
    offset: field(FIXED_FIELDS + 2 * index),
    position: field(FIXED_FIELDS + 2 * index + 1),
  }));
  return {
    path,
    baseOffset,
    endOffset: field(2),
    sizeBytes: size,
    createdMs: field(4),
    lastAppendMs: field(5),
    index: new SparseIndex(entries),
  };
}
