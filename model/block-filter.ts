import { encodeEventBlock, EventBlock, readVarint, type SourceSpan } from './event-block.ts';
import { COLUMN_INDEX, EVENT_COLUMNS, type ColumnKind } from './event-columns.ts';
import type { ColumnWriter } from './native-writer.ts';
import { at64 } from './words.ts';

const STRIDES: Record<Exclude<ColumnKind, 'string' | 'dict'>, number> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  time: 8,
  f64: 8,
  ip: 16,
};

/**
 * The block without the rows whose position is not above what `highest` says of their source: what was stored before.
 * Control records are kept. Positions within the block must rise by source, else the repeated rows go too.
 */
export function dropSeenRows(block: EventBlock, highest: (source: string) => number | undefined): EventBlock {
  const sources = block.dict(COLUMN_INDEX._src);
  const positions = block.words(COLUMN_INDEX._pos, 2);
  const times = block.words(COLUMN_INDEX.time, 2);
  if (!sources || !positions || !times) return block;
  const reached = sources.values.map((id) => highest(id) ?? -1);
  const spans = new Map<string, { id: string; firstPos: number; lastPos: number }>();
  const kept: number[] = [];
  let minTimeMs = Infinity;
  let maxTimeMs = -Infinity;
  for (let row = 0; row < block.rows; row++) {
    const source = sources.index[row]!;
    const position = at64(positions, row);
    if (position <= reached[source]!) continue;
    reached[source] = position;
    kept.push(row);
    const id = sources.values[source]!;
    const span = spans.get(id);
    if (span) span.lastPos = position;
    else spans.set(id, { id, firstPos: position, lastPos: position } satisfies SourceSpan);
    const timeMs = at64(times, row);
    if (timeMs < minTimeMs) minTimeMs = timeMs;
    if (timeMs > maxTimeMs) maxTimeMs = timeMs;
  }
  const columns = block.columns().map(({ index }) => ({ index, writer: gather(block, index, kept) }));
  return new EventBlock(
    encodeEventBlock({
      rows: kept.length,
      columns,
      sources: [...spans.values()],
      controls: block.controls.map((control) => ({
        ...control,
        row: kept.filter((row) => row < control.row).length,
      })),
      minTimeMs,
      maxTimeMs,
    }),
  );
}

/** The kept rows of one column, ready to be written. */
function gather(block: EventBlock, column: number, kept: readonly number[]): ColumnWriter {
  const { kind } = EVENT_COLUMNS[column]!;
  const start = block.columns().find(({ index }) => index === column)!.offset;
  const { native } = block;
  const parts: Uint8Array[] = [];
  if (kind === 'string') {
    const ranges = block.stringRanges(column)!;
    for (const row of kept) {
      const end = ranges[row * 2 + 1]!;
      const from = row === 0 ? start : ranges[row * 2 - 1]!;
      parts.push(native.subarray(from, end));
    }
  } else if (kind === 'dict') {
    const view = new DataView(native.buffer, native.byteOffset, native.byteLength);
    const width = (view.getUint32(start + 8, true) & 0xff) === 1 ? 2 : 1;
    let at = start + 24;
    for (let i = view.getUint32(start + 16, true); i > 0; i--) {
      const { value, next } = readVarint(native, at);
      at = next + value;
    }
    parts.push(native.subarray(start, at));
    const count = Buffer.alloc(8);
    count.writeUInt32LE(kept.length, 0);
    parts.push(count);
    for (const row of kept) parts.push(native.subarray(at + 8 + row * width, at + 8 + (row + 1) * width));
  } else {
    const stride = STRIDES[kind];
    for (const row of kept) parts.push(native.subarray(start + row * stride, start + (row + 1) * stride));
  }
  const bytes = Buffer.concat(parts);
  return {
    touched: true,
    encodedSize: () => bytes.length,
    writeTo: (out, offset) => {
      out.set(bytes, offset);
      return offset + bytes.length;
    },
    clear: () => undefined,
  };
}
