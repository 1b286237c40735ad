import { VedetteError } from '../../model/errors.ts';
import { crc32c } from './crc32c.ts';

/**
 * Kafka's record batch, format 2, as it lies on a broker's disk and in its answers. Big-endian:
 *
 *     0 baseOffset i64 | 8 length i32 of what follows | 12 leaderEpoch i32 | 16 magic i8 = 2 | 17 crc u32 of all from 21
 *     21 attributes i16 | 23 lastOffsetDelta i32 | 27 firstTimestamp i64 | 35 maxTimestamp i64 | 43 producerId i64
 *     51 producerEpoch i16 | 53 baseSequence i32 | 57 records i32 | 61 the records, compressed as a whole or not
 */
export const BATCH_HEADER_BYTES = 61;
/** Bytes before what the length counts. */
const FRAME_BYTES = 12;
const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
/** Far above what a topic lets in: a length beyond it is damage, and not a batch of which more is to come. */
const MOST_BYTES = 256 << 20;
const COUNT_AT = 57;
const CODEC_MASK = 0x07;
const CONTROL_BIT = 0x20;

/** A batch that lies whole in `bytes[start, end)`; nothing but its frame has been checked. */
export interface RecordBatch {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  /** Offset behind its last record; records that were compacted away count. */
  readonly nextOffset: number;
}

/**
 * The batches that lie whole in `bytes[start, end)`, in order; a last one that is cut off is left out. `damaged` is set
 * where a frame makes no sense, so that nothing behind it can be found.
 */
export function splitBatches(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): { batches: RecordBatch[]; damaged?: string } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches: RecordBatch[] = [];
  let at = start;
  while (end - at >= MAGIC_AT + 1) {
    const lengthBytes = view.getInt32(at + 8);
    const magic = view.getInt8(at + MAGIC_AT);
    if (magic !== 2) return { batches, damaged: `message format ${magic} is not supported` };
    if (lengthBytes < BATCH_HEADER_BYTES - FRAME_BYTES || lengthBytes > MOST_BYTES) {
      return { batches, damaged: `a batch says that it has ${lengthBytes} bytes` };
    }
    const next = at + FRAME_BYTES + lengthBytes;
    if (next > end) break;
    const baseOffset = Number(view.getBigInt64(at));
    const lastOffsetDelta = view.getInt32(at + LAST_OFFSET_DELTA_AT);
    if (lastOffsetDelta < 0 || baseOffset < 0 || !Number.isSafeInteger(baseOffset)) {
      return { batches, damaged: `a batch says that it begins at ${baseOffset} and goes on for ${lastOffsetDelta}` };
    }
    batches.push({ bytes, start: at, end: next, baseOffset, nextOffset: baseOffset + lastOffsetDelta + 1 });
    at = next;
  }
  return { batches };
}

/** Number of the codec that the batch's records are compressed with; 0: none. */
export function codecOf({ bytes, start }: RecordBatch): number {
  return bytes[start + ATTRIBUTES_AT + 1]! & CODEC_MASK;
}

/** A marker of a transaction: takes an offset, and holds nothing for a reader. */
export function isControl({ bytes, start }: RecordBatch): boolean {
  return (bytes[start + ATTRIBUTES_AT + 1]! & CONTROL_BIT) !== 0;
}

export function recordCount({ bytes, start }: RecordBatch): number {
  return new DataView(bytes.buffer, bytes.byteOffset + start + COUNT_AT, 4).getInt32(0);
}

/** Errors: LOG_CORRUPT where the checksum is another. */
export function checkBatch(batch: RecordBatch): void {
  const { bytes, start, end } = batch;
  const stored = new DataView(bytes.buffer, bytes.byteOffset + start + CRC_AT, 4).getUint32(0);
  const actual = crc32c(bytes, start + ATTRIBUTES_AT, end);
  if (stored !== actual) throw corruptBatch(batch, `its checksum is ${hex(stored)}, its bytes give ${hex(actual)}`);
}

export function corruptBatch(batch: RecordBatch, why: string): VedetteError {
  return new VedetteError(
    'LOG_CORRUPT',
    `the batch of records ${batch.baseOffset} to ${batch.nextOffset - 1} is damaged: ${why}`,
  );
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
