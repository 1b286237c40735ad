import type { Codec } from './codecs.ts';
import { CODECS, loadCodec } from './codecs.ts';
import { crc32c } from './crc32c.ts';
import { ATTRIBUTES_AT, BATCH_HEADER_BYTES, CRC_AT } from './record-batch.ts';

const LENGTH_AT = 8;
const PRODUCER_AT = 43;

/** Whose batch it is and its number, by which a broker knows it again. −1, −1, −1: nobody's. */
export interface ProducerStamp {
  readonly producerId: bigint;
  readonly epoch: number;
  /** Of the batch's first record; counts the records of one producer in one partition. */
  readonly sequence: number;
}

/** With a key, for whoever else reads the topic; our own records have none. */
export interface KeyedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A value alone, or with a key. */
export type BatchRecord = Uint8Array | KeyedRecord;

/** What a record weighs, without its frame. */
export function recordBytes(record: BatchRecord): number {
  return valueOf(record).length + (keyOf(record)?.length ?? 0);
}

/** One batch, all of one time; to be stamped before it is sent. */
export async function encodeBatch(
  records: readonly BatchRecord[],
  { codec, timeMs }: { readonly codec: Codec; readonly timeMs: number },
): Promise<Buffer> {
  const plain = encodeRecords(records);
  const compression = await loadCodec(codec);
  const batch = compression
    ? Buffer.concat([
        plain.subarray(0, BATCH_HEADER_BYTES),
        await compression.compress(plain.subarray(BATCH_HEADER_BYTES)),
      ])
    : plain;
  batch.writeInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(CODECS.indexOf(codec), ATTRIBUTES_AT);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(timeMs), 27);
  batch.writeBigInt64BE(BigInt(timeMs), 35);
  batch.writeInt32BE(records.length, 57);
  return batch;
}

/** Writes the stamp, and the checksum that covers it. */
export function stampBatch(batch: Buffer, { producerId, epoch, sequence }: ProducerStamp): void {
  batch.writeBigInt64BE(producerId, PRODUCER_AT);
  batch.writeInt16BE(epoch, PRODUCER_AT + 8);
  batch.writeInt32BE(sequence, PRODUCER_AT + 10);
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, batch.length), CRC_AT);
}

/** Room for the header, then the records. */
function encodeRecords(records: readonly BatchRecord[]): Buffer {
  const lengths = records.map((record, i) => {
    const { length } = valueOf(record);
    return 3 + varintBytes(i) + keyBytes(keyOf(record)) + varintBytes(length) + length;
  });
  const total = lengths.reduce((sum, length) => sum + varintBytes(length) + length, BATCH_HEADER_BYTES);
  const bytes = Buffer.allocUnsafe(total);
  bytes.fill(0, 0, BATCH_HEADER_BYTES);
  let at = BATCH_HEADER_BYTES;
  for (let i = 0; i < records.length; i++) {
    const value = valueOf(records[i]!);
    at = writeVarint(bytes, at, lengths[i]!);
    bytes[at++] = 0; // attributes
    bytes[at++] = 0; // time delta
    at = writeVarint(bytes, at, i);
    at = writeKey(bytes, at, keyOf(records[i]!));
    at = writeVarint(bytes, at, value.length);
    bytes.set(value, at);
    at += value.length;
    bytes[at++] = 0; // no headers
  }
  return bytes;
}

function valueOf(record: BatchRecord): Uint8Array {
  return record instanceof Uint8Array ? record : record.value;
}

function keyOf(record: BatchRecord): Uint8Array | undefined {
  return record instanceof Uint8Array ? undefined : record.key;
}

function keyBytes(key: Uint8Array | undefined): number {
  return key === undefined ? 1 : varintBytes(key.length) + key.length;
}

function writeKey(bytes: Buffer, start: number, key: Uint8Array | undefined): number {
  if (key === undefined) {
    bytes[start] = 1; // −1
    return start + 1;
  }
  const at = writeVarint(bytes, start, key.length);
  bytes.set(key, at);
  return at + key.length;
}

/** Of a number that is not negative, as zigzag. */
function varintBytes(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5;
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = (value << 1) >>> 0;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
