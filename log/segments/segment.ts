import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../model/errors.ts';
import { crc32 } from '../../model/crc32.ts';
import { SparseIndex } from './sparse-index.ts';

/*
 * A segment file is named after its first offset, and starts with a header, little-endian:
 *
 *    0  8 bytes  "vedette" and the format's version
 *    8  f64      first offset
 *   16  f64      when it was created, Unix milliseconds
 *   24  u32      CRC-32 of the 24 bytes before
 *   28  u32      0
 */
export const SEGMENT_HEADER_BYTES = 32;
const MAGIC = 'vedette';
const FORMAT_VERSION = 1;
const NAME = /^(\d{16})\.log$/;

/** What is known of a segment file, sealed or growing. */
export interface Segment {
  readonly path: string;
  readonly baseOffset: number;
  readonly createdMs: number;
  /** The offset behind its last record. */
  endOffset: number;
  sizeBytes: number;
  lastAppendMs: number;
  readonly index: SparseIndex;
}

export function emptySegment(folder: string, baseOffset: number, createdMs: number): Segment {
  return {
    path: segmentPath(folder, baseOffset),
    baseOffset,
    createdMs,
    endOffset: baseOffset,
    sizeBytes: SEGMENT_HEADER_BYTES,
    lastAppendMs: createdMs,
    index: new SparseIndex(),
  };
}

export function segmentPath(folder: string, baseOffset: number): string {
  return join(folder, `${String(baseOffset).padStart(16, '0')}.log`);
}

/** The first offset of a segment by its file name; undefined for other files. */
export function baseOffsetOf(fileName: string): number | undefined {
  const digits = NAME.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function indexPath(segmentFile: string): string {
  return segmentFile.replace(/\.log$/, '.index');
}

export async function removeSegment(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(indexPath(path), { force: true });
}

export function encodeSegmentHeader(baseOffset: number, createdMs: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt8(FORMAT_VERSION, MAGIC.length);
  header.writeDoubleLE(baseOffset, 8);
  header.writeDoubleLE(createdMs, 16);
  header.writeUInt32LE(crc32(header.subarray(0, 24)), 24);
  return header;
}

/** When the segment was created; undefined when the header is damaged. Throws UNSUPPORTED for a later format. */
export async function readCreatedMs(path: string): Promise<number | undefined> {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const handle = await open(path, 'r');
  try {
    await handle.read(header, 0, header.length, 0);
  } finally {
    await handle.close();
  }
  const intact =
    header.toString('latin1', 0, MAGIC.length) === MAGIC && header.readUInt32LE(24) === crc32(header.subarray(0, 24));
  if (!intact) return undefined;
  const version = header.readUInt8(MAGIC.length);
  if (version !== FORMAT_VERSION) {
    throw new VedetteError(
      'UNSUPPORTED',
      `${path} has format ${String(version)}; this version reads ${String(FORMAT_VERSION)}.`,
    );
  }
  return header.readDoubleLE(16);
}
