import { crc32 } from '../../model/crc32.ts';

/*
 * A record on disk, little-endian:
 *
 *    0  u32  CRC-32 of all that follows, seeded with the log's salt
 *    4  u16  the salt's upper half, to find frames by
 *    6  u48  offset
 *   12  u32  length of the data
 *   16  u32  offset − first offset of the batch that was written and synced together
 *   20       data
 *
 * The salt is random and stays in the log's folder: records hold hostile text, and a frame forged inside a record
 * must not be taken for a real one when a reader looks for the next good frame behind damage.
 *
 * The place in the batch says whether a damaged record had been acknowledged: a batch is only written after the one
 * before it is durable, so a good frame of a later batch proves it.
 */
export const FRAME_HEADER_BYTES = 20;
export const MAX_RECORD_BYTES = 0x3fff_ffff;
const MAGIC_AT = 4;

export interface Frame {
  readonly offset: number;
  /** First offset of its write batch. */
  readonly batchStart: number;
  /** A view into the buffer that it was decoded from. */
  readonly data: Buffer;
  readonly frameBytes: number;
}

/** A salt from random bits. Its upper half is never 0, so that a hole in a file does not look like frames. */
export function saltFrom(randomBits: number): number {
  return (randomBits | 0x0001_0000) >>> 0;
}

export function frameBytes(record: Uint8Array): number {
  return FRAME_HEADER_BYTES + record.byteLength;
}

/** One buffer with all the frames, of offsets `first`, `first + 1`, …, as one write batch. Copies the records. */
export function encodeBatch(records: readonly Uint8Array[], first: number, salt: number): Buffer {
  const size = records.reduce((sum, record) => sum + frameBytes(record), 0);
  const buffer = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [index, record] of records.entries()) {
    const end = at + frameBytes(record);
    buffer.writeUInt16LE(salt >>> 16, at + MAGIC_AT);
    buffer.writeUIntLE(first + index, at + 6, 6);
    buffer.writeUInt32LE(record.byteLength, at + 12);
    buffer.writeUInt32LE(index, at + 16);
    buffer.set(record, at + FRAME_HEADER_BYTES);
    buffer.writeUInt32LE(crc32(buffer.subarray(at + MAGIC_AT, end), salt), at);
    at = end;
  }
  return buffer;
}

/** Size of the frame at `at` by its header alone; undefined when that is no header. Needs {@link FRAME_HEADER_BYTES}. */
export function frameBytesAt(buffer: Buffer, at: number, salt: number): number | undefined {
  if (buffer.readUInt16LE(at + MAGIC_AT) !== salt >>> 16) return undefined;
  const length = buffer.readUInt32LE(at + 12);
  return length > MAX_RECORD_BYTES ? undefined : FRAME_HEADER_BYTES + length;
}

/** The frame at `at`, which must lie wholly in the buffer, without checking its CRC. */
export function decodeFrame(buffer: Buffer, at: number): Frame {
  const offset = buffer.readUIntLE(at + 6, 6);
  const end = at + FRAME_HEADER_BYTES + buffer.readUInt32LE(at + 12);
  return {
    offset,
    batchStart: offset - buffer.readUInt32LE(at + 16),
    data: buffer.subarray(at + FRAME_HEADER_BYTES, end),
    frameBytes: end - at,
  };
}

export function isIntact(buffer: Buffer, at: number, sizeBytes: number, salt: number): boolean {
  return buffer.readUInt32LE(at) === crc32(buffer.subarray(at + MAGIC_AT, at + sizeBytes), salt);
}

/** Where the next thing that looks like a frame starts, at `from` or later; −1 when there is none in the buffer. */
export function nextCandidate(buffer: Buffer, from: number, salt: number): number {
  const found = buffer.indexOf(Buffer.of((salt >>> 16) & 0xff, salt >>> 24), from + MAGIC_AT);
  return found < 0 ? -1 : found - MAGIC_AT;
}
