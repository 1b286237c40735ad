import type { LogEntry } from '../event-log.ts';
import { decompress } from './codecs.ts';
import {
  checkBatch,
  codecOf,
  BATCH_HEADER_BYTES,
  corruptBatch,
  isControl,
  recordCount,
  type RecordBatch,
} from './record-batch.ts';
import { RecordCursor, type RecordRange } from './record-cursor.ts';

const NOTHING = new Uint8Array(0);

/** Checks a batch and uncompresses it; undefined for a marker of a transaction. Errors: LOG_CORRUPT. */
export async function openBatch(batch: RecordBatch): Promise<RecordRange | undefined> {
  checkBatch(batch);
  if (isControl(batch)) return undefined;
  const { bytes, start, end, baseOffset, nextOffset } = batch;
  const count = recordCount(batch);
  if (count < 0) throw corruptBatch(batch, `it says that it has ${count} records`);
  const codec = codecOf(batch);
  if (codec === 0) return { bytes, start: start + BATCH_HEADER_BYTES, end, count, baseOffset, nextOffset };
  const records = await decompress(codec, bytes.subarray(start + BATCH_HEADER_BYTES, end));
  return { bytes: records, start: 0, end: records.length, count, baseOffset, nextOffset };
}

/** The batch's records as the port gives them, views of its bytes. A tombstone has no bytes. */
export async function decodeEntries(batch: RecordBatch): Promise<LogEntry[]> {
  const range = await openBatch(batch);
  const entries: LogEntry[] = [];
  if (!range) return entries;
  const cursor = new RecordCursor(range);
  while (cursor.next()) {
    const data = cursor.valueStart < 0 ? NOTHING : range.bytes.subarray(cursor.valueStart, cursor.valueEnd);
    entries.push({ offset: cursor.offset, data });
  }
  return entries;
}
