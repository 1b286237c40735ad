import type { FileHandle } from 'node:fs/promises';
import type { LogEntry } from '../event-log.ts';
import { FrameCursor } from './frame-cursor.ts';
import { SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

/** Records that cannot be read any more; `to` is where reading can go on. */
export interface Damage {
  readonly from: number;
  readonly to: number;
}

/** Read beyond what was asked for: from the index entry to the record, and the last record's end. */
const SLACK_BYTES = 64 << 10;

/**
 * Durable records of one segment from `offset` on: at least one, about `maxBytes`, none behind damage. Damage comes
 * back as such only when the first record is damaged.
 */
export async function readSegment(
  segment: Segment,
  handle: FileHandle,
  request: { offset: number; maxBytes: number; salt: number },
): Promise<LogEntry[] | Damage> {
  const { offset, maxBytes, salt } = request;
  const start = segment.index.floor(offset) ?? { offset: segment.baseOffset, position: SEGMENT_HEADER_BYTES };
  const cursor = new FrameCursor(
    { handle, endBytes: segment.sizeBytes, salt },
    { position: start.position, aheadBytes: maxBytes + SLACK_BYTES },
  );
  const entries: LogEntry[] = [];
  let expected = start.offset;
  let bytes = 0;
  while (!cursor.atEnd) {
    const inWindow = cursor.nextInWindow(expected);
    if (inWindow === 'beyond window' && entries.length > 0) break;
    let frame = inWindow === 'beyond window' ? await cursor.next(expected) : inWindow;
    if (frame === undefined) {
      if (entries.length > 0) break;
      frame = await cursor.resync({ afterOffset: expected });
      if (frame === undefined) return { from: expected, to: segment.endOffset };
      if (frame.offset > offset) return { from: expected, to: frame.offset };
    }
    expected = frame.offset + 1;
    if (frame.offset < offset) continue;
    bytes += frame.data.length;
    if (entries.length > 0 && bytes > maxBytes) break;
    entries.push({ offset: frame.offset, data: frame.data });
  }
  return entries.length > 0 ? entries : { from: expected, to: segment.endOffset };
}
