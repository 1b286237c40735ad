import { VedetteError } from './errors.ts';
import { EVENT_COLUMNS } from './event-columns.ts';
import { varintSize, writeVarint, type ColumnWriter } from './native-writer.ts';

/**
 * A block of events as it lies in the log: a header, then the columns as one ClickHouse Native block, so that the sink
 * forwards the bytes and the stream worker reads single columns through the header's directory.
 *
 * Header (little endian): magic u32, version u8, 0 u8, columns u16, rows u32, header size u32, first and last event
 * time f64, sources u16, controls u16; then a directory (column u32, offset in the Native part u32); then sources (id,
 * first and last position f64); then control records (row u32, kind u8, time f64, source, payload). Texts are u16
 * length and UTF-8. Schema page: docs/block-format.md.
 */
const MAGIC = 0x31424556; // "VEB1"
const VERSION = 1;
const FIXED_HEADER = 36;

/** What a control record says about its source; config, model and end (of all input: episodes close) are about the pipeline. */
export const ControlKind = { open: 1, tick: 2, idle: 3, closed: 4, config: 5, model: 6, end: 7 } as const;
export type ControlKind = (typeof ControlKind)[keyof typeof ControlKind];

/** A control record: it applies before row `row` of its block. */
export interface Control {
  readonly row: number;
  readonly kind: ControlKind;
  readonly source: string;
  /** Event time, ms: the source's watermark; NaN where it has none yet. */
  readonly timeMs: number;
  /** JSON, for config and model; otherwise empty. */
  readonly payload: string;
}

/** A source's rows in a block: their lowest and highest position. */
export interface SourceSpan {
  readonly id: string;
  readonly firstPos: number;
  readonly lastPos: number;
}

export interface BlockColumn {
  /** Index in EVENT_COLUMNS. */
  readonly index: number;
  readonly writer: ColumnWriter;
}

/**
 * Encodes the touched ones of `columns`; `rows` may be 0 where there are only control records.
 *
 * @param allocate gives memory of exactly that size, in bytes, which is written over
 */
export function encodeEventBlock(
  input: {
    rows: number;
    columns: readonly BlockColumn[];
    sources: readonly SourceSpan[];
    controls: readonly Control[];
    minTimeMs: number;
    maxTimeMs: number;
  },
  allocate: (size: number) => Buffer = (size) => Buffer.allocUnsafe(size),
): Uint8Array {
  const { rows } = input;
  const touched = rows === 0 ? [] : input.columns.filter((column) => column.writer.touched);
  const texts = [...input.sources.map((s) => s.id), ...input.controls.flatMap((c) => [c.source, c.payload])].map((t) =>
    Buffer.from(t),
  );
  const headerSize =
    FIXED_HEADER +
    touched.length * 8 +
    input.sources.length * 16 +
    input.controls.length * 13 +
    texts.reduce((sum, text) => sum + 2 + text.length, 0);
  const names = touched.map((column) => COLUMN_HEADERS[column.index]!);
  let size = headerSize + varintSize(touched.length) + varintSize(rows);
  touched.forEach((column, i) => (size += names[i]!.length + column.writer.encodedSize(rows)));

  const out = allocate(size);
  out.writeUInt32LE(MAGIC, 0);
  out.writeUInt8(VERSION, 4);
  out.writeUInt8(0, 5);
  out.writeUInt16LE(touched.length, 6);
  out.writeUInt32LE(rows, 8);
  out.writeUInt32LE(headerSize, 12);
  out.writeDoubleLE(input.minTimeMs, 16);
  out.writeDoubleLE(input.maxTimeMs, 24);
  out.writeUInt16LE(input.sources.length, 32);
  out.writeUInt16LE(input.controls.length, 34);

  let at = FIXED_HEADER + touched.length * 8;
  let text = 0;
  const writeText = (): void => {
    const bytes = texts[text++]!;
    at = out.writeUInt16LE(bytes.length, at);
    at += bytes.copy(out, at);
  };
  for (const source of input.sources) {
    at = out.writeDoubleLE(source.firstPos, at);
    at = out.writeDoubleLE(source.lastPos, at);
    writeText();
  }
  for (const control of input.controls) {
    at = out.writeUInt32LE(control.row, at);
    at = out.writeUInt8(control.kind, at);
    at = out.writeDoubleLE(control.timeMs, at);
    writeText();
    writeText();
  }
  at = writeVarint(out, at, touched.length);
  at = writeVarint(out, at, rows);
  touched.forEach((column, i) => {
    at += names[i]!.copy(out, at);
    out.writeUInt32LE(column.index, FIXED_HEADER + i * 8);
    out.writeUInt32LE(at - headerSize, FIXED_HEADER + i * 8 + 4);
    at = column.writer.writeTo(out, at, rows);
  });
  return out;
}

const COLUMN_HEADERS: readonly Buffer[] = EVENT_COLUMNS.map((column) => nativeColumnHeader(column.name, column.type));

/** A column's name and type as Native writes them before its data. */
export function nativeColumnHeader(name: string, type: string): Buffer {
  const out = Buffer.alloc(name.length + type.length + 4);
  let at = writeVarint(out, 0, name.length);
  at += out.write(name, at, 'latin1');
  at = writeVarint(out, at, type.length);
  at += out.write(type, at, 'latin1');
  return out.subarray(0, at);
}

/** A dictionary column of a block: `values[index[row]]`. */
export interface DictValues {
  readonly values: readonly string[];
  readonly index: Uint8Array | Uint16Array;
}

/** A parsed block. Columns are read on demand; what isn't in the block is undefined. */
export class EventBlock {
  readonly rows: number;
  readonly columnCount: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly sources: readonly SourceSpan[];
  readonly controls: readonly Control[];
  /** The ClickHouse Native block: varint columns, varint rows, then the columns from `afterCounts` on. */
  readonly native: Uint8Array;
  readonly afterCounts: number;
  private readonly offsets = new Int32Array(EVENT_COLUMNS.length).fill(-1);

  constructor(data: Uint8Array) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    if (data.length < FIXED_HEADER || view.getUint32(0, true) !== MAGIC)
      throw new VedetteError('BLOCK_CORRUPT', 'not a block of events: the first bytes are not its mark');
    if (view.getUint8(4) !== VERSION)
      throw new VedetteError('BLOCK_CORRUPT', `block version ${view.getUint8(4)}; this program reads ${VERSION}`);
    this.columnCount = view.getUint16(6, true);
    this.rows = view.getUint32(8, true);
    const headerSize = view.getUint32(12, true);
    if (headerSize > data.length)
      throw new VedetteError('BLOCK_CORRUPT', 'a block of events is shorter than its header');
    this.minTimeMs = view.getFloat64(16, true);
    this.maxTimeMs = view.getFloat64(24, true);
    for (let i = 0; i < this.columnCount; i++) {
      const at = FIXED_HEADER + i * 8;
      this.offsets[view.getUint32(at, true)] = view.getUint32(at + 4, true);
    }
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    let at = FIXED_HEADER + this.columnCount * 8;
    const text = (): string => {
      const length = view.getUint16(at, true);
      at += 2 + length;
      return bytes.toString('utf8', at - length, at);
    };
    const sources: SourceSpan[] = [];
    for (let i = view.getUint16(32, true); i > 0; i--) {
      const firstPos = view.getFloat64(at, true);
      const lastPos = view.getFloat64(at + 8, true);
      at += 16;
      sources.push({ id: text(), firstPos, lastPos });
    }
    const controls: Control[] = [];
    for (let i = view.getUint16(34, true); i > 0; i--) {
      const row = view.getUint32(at, true);
      const kind = view.getUint8(at + 4) as ControlKind;
      const timeMs = view.getFloat64(at + 5, true);
      at += 13;
      controls.push({ row, kind, timeMs, source: text(), payload: text() });
    }
    this.sources = sources;
    this.controls = controls;
    this.native = data.subarray(headerSize);
    this.afterCounts = varintSize(this.columnCount) + varintSize(this.rows);
  }

  has(column: number): boolean {
    return this.offsets[column]! >= 0;
  }

  /** Columns in the block, in order: index in EVENT_COLUMNS and offset of the data in `native`. */
  columns(): { index: number; offset: number }[] {
    return EVENT_COLUMNS.flatMap((_, index) => (this.has(index) ? [{ index, offset: this.offsets[index]! }] : []));
  }

  /** A view, not a copy. */
  u8(column: number): Uint8Array | undefined {
    return this.fixed(column, 1);
  }

  u16(column: number): Uint16Array | undefined {
    const bytes = this.fixed(column, 2);
    return bytes && new Uint16Array(aligned(bytes));
  }

  /** Little-endian words: 2 a row for times and 64-bit counts (low, high), 4 a row for addresses. */
  words(column: number, wordsPerRow: 1 | 2 | 4): Uint32Array | undefined {
    const bytes = this.fixed(column, wordsPerRow * 4);
    return bytes && new Uint32Array(aligned(bytes));
  }

  f64(column: number): Float64Array | undefined {
    const bytes = this.fixed(column, 8);
    return bytes && new Float64Array(aligned(bytes));
  }

  dict(column: number): DictValues | undefined {
    const start = this.offsets[column]!;
    if (start < 0) return undefined;
    const view = new DataView(this.native.buffer, this.native.byteOffset, this.native.byteLength);
    const wide = (view.getUint32(start + 8, true) & 0xff) === 1;
    const count = view.getUint32(start + 16, true);
    const bytes = Buffer.from(this.native.buffer, this.native.byteOffset, this.native.byteLength);
    const values: string[] = [];
    let at = start + 24;
    for (let i = 0; i < count; i++) {
      const { value: length, next } = readVarint(this.native, at);
      values.push(bytes.toString('utf8', next, next + length));
      at = next + length;
    }
    at += 8;
    const slice = this.native.subarray(at, at + this.rows * (wide ? 2 : 1));
    return { values, index: wide ? new Uint16Array(aligned(slice)) : slice };
  }

  /** Start and end of each row's text in `native`: 2 a row. */
  stringRanges(column: number): Uint32Array | undefined {
    const start = this.offsets[column]!;
    if (start < 0) return undefined;
    const ranges = new Uint32Array(this.rows * 2);
    let at = start;
    for (let row = 0; row < this.rows; row++) {
      const { value: length, next } = readVarint(this.native, at);
      ranges[row * 2] = next;
      at = next + length;
      ranges[row * 2 + 1] = at;
    }
    return ranges;
  }

  private fixed(column: number, stride: number): Uint8Array | undefined {
    const start = this.offsets[column]!;
    return start < 0 ? undefined : this.native.subarray(start, start + this.rows * stride);
  }
}

/** A copy on a boundary of eight bytes, for a typed view. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

export function readVarint(bytes: Uint8Array, offset: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let at = offset; ; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new VedetteError('BLOCK_CORRUPT', 'a length runs past the end of the block');
    value += (byte & 127) * scale;
    if (byte < 128) return { value, next: at + 1 };
    scale *= 128;
  }
}
