import { VedetteError } from '../model/errors.ts';

/** Where a block of rows begins in a Native body. */
export interface NativeBlock {
  readonly rows: number;
  readonly columnCount: number;
  /** varint columns, varint rows, then the columns. */
  readonly native: Uint8Array;
  /** Offset of the first column in `native`. */
  readonly afterCounts: number;
}

/** Reads the counts in front of a Native block. @throws VedetteError BLOCK_CORRUPT */
export function parseNative(native: Uint8Array): NativeBlock {
  const columns = readVarint(native, 0);
  const rows = readVarint(native, columns.next);
  return { rows: rows.value, columnCount: columns.value, native, afterCounts: rows.next };
}

/**
 * The block with two more columns in front, `_part` and `_off`, the same on each row. The block's own bytes are not
 * copied: two chunks.
 */
export function withLogPosition(block: NativeBlock, partition: number, offset: number): [Uint8Array, Uint8Array] {
  const { rows } = block;
  const head = Buffer.concat([varint(block.columnCount + 2), varint(rows), PART_HEADER]);
  const out = Buffer.allocUnsafe(head.length + rows * 2 + OFF_HEADER.length + rows * 8);
  let at = head.copy(out);
  out.fill(u16(partition), at, (at += rows * 2));
  at += OFF_HEADER.copy(out, at);
  out.fill(u64(offset), at, at + rows * 8);
  return [out, block.native.subarray(block.afterCounts)];
}

const PART_HEADER = Buffer.concat([text('_part'), text('UInt16')]);
const OFF_HEADER = Buffer.concat([text('_off'), text('UInt64')]);

function text(value: string): Buffer {
  return Buffer.concat([varint(value.length), Buffer.from(value, 'latin1')]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function readVarint(bytes: Uint8Array, offset: number): { value: number; next: number } {
  let value = 0;
  for (let at = offset, scale = 1; at < offset + 8; at++, scale *= 128) {
    const byte = bytes[at];
    if (byte === undefined) break;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, next: at + 1 };
  }
  throw new VedetteError('BLOCK_CORRUPT', 'not a Native block: its counts cannot be read');
}
