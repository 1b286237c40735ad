import { open, stat } from 'node:fs/promises';
import { FrameCursor, type PlacedFrame } from './frame-cursor.ts';
import { emptySegment, readCreatedMs, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';
import { dirname } from 'node:path';

const AHEAD_BYTES = 1 << 20;

export interface ScanOptions {
  readonly baseOffset: number;
  readonly salt: number;
  /**
   * `tail`: the end may be torn. Damage counts as torn when nothing behind it proves that it had been acknowledged.
   * `sealed`: another segment follows, so everything in it had been.
   */
  readonly place: 'tail' | 'sealed';
  readonly onRecord?: (frame: PlacedFrame) => void;
}

export interface Scanned {
  readonly segment: Segment;
  /** Bytes behind the last good record. */
  readonly tornBytes: number;
  /** Ranges of offsets, end exclusive, that are damaged with good records behind them. */
  readonly damaged: readonly { from: number; to: number }[];
}

/** Reads a whole segment file, checking each record. */
export async function scanSegment(path: string, options: ScanOptions): Promise<Scanned> {
  const { size, mtimeMs } = await stat(path);
  const createdMs = (await readCreatedMs(path)) ?? mtimeMs;
  const segment = { ...emptySegment(dirname(path), options.baseOffset, createdMs), path, lastAppendMs: mtimeMs };
  const damaged: { from: number; to: number }[] = [];
  const handle = await open(path, 'r');
  try {
    const cursor = new FrameCursor(
      { handle, endBytes: size, salt: options.salt },
      { position: SEGMENT_HEADER_BYTES, aheadBytes: AHEAD_BYTES },
    );
    while (!cursor.atEnd) {
      const expected = segment.endOffset;
      const inWindow = cursor.nextInWindow(expected);
      let frame = inWindow === 'beyond window' ? await cursor.next(expected) : inWindow;
      if (frame === undefined) {
        frame = await behindDamage(cursor, expected, options.place);
        if (frame === undefined) break;
        damaged.push({ from: expected, to: frame.offset });
      }
      segment.index.note(frame.offset, frame.position);
      segment.endOffset = frame.offset + 1;
      segment.sizeBytes = cursor.position;
      options.onRecord?.(frame);
    }
  } finally {
    await handle.close();
  }
  return { segment, tornBytes: Math.max(size - segment.sizeBytes, 0), damaged };
}

/** The first good record behind damage; undefined when the damage is the torn end of the log. */
async function behindDamage(
  cursor: FrameCursor,
  expected: number,
  place: ScanOptions['place'],
): Promise<PlacedFrame | undefined> {
  const { position } = cursor;
  const first = await cursor.resync({ afterOffset: expected });
  if (first === undefined || place === 'sealed' || first.batchStart > expected) return first;
  const behind = cursor.position;
  const proof = await cursor.resync({ afterOffset: expected, batchAfter: expected });
  cursor.moveTo(proof === undefined ? position : behind);
  return proof === undefined ? undefined : first;
}
