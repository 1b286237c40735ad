/**
 * Columns being filled, to be written in ClickHouse's Native format (little endian; strings as varint length and bytes;
 * LowCardinality as one dictionary and an index a row). Capacity is fixed for what has a stride and grows for text.
 * A column that nothing was written to is left out of a block: ClickHouse gives it its default.
 */
export interface ColumnWriter {
  readonly touched: boolean;
  encodedSize(rows: number): number;
  /** Writes `rows` values at `offset` and returns the offset behind them. */
  writeTo(out: Uint8Array, offset: number, rows: number): number;
  clear(rows: number): void;
}

const UPPER_WORD = 1 / 4294967296;

/** Values of 1, 2, 4 or 8 bytes, and addresses of 16; unsigned 64-bit as two words, so at most 2^53. */
export class FixedColumn implements ColumnWriter {
  touched = false;
  readonly bytes: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly stride: number;

  constructor(stride: 1 | 2 | 4 | 8 | 16, capacity: number) {
    const buffer = new ArrayBuffer(Math.ceil((stride * capacity) / 16) * 16);
    this.stride = stride;
    this.bytes = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  setU8(row: number, value: number): void {
    this.touched = true;
    this.bytes[row] = value;
  }

  setU16(row: number, value: number): void {
    this.touched = true;
    this.u16[row] = value;
  }

  setU32(row: number, value: number): void {
    this.touched = true;
    this.u32[row] = value;
  }

  /** A whole number from 0 to 2^53; negative milliseconds (before 1970) are written in two's complement. */
  setU64(row: number, value: number): void {
    this.touched = true;
    // A typed array keeps a number's lower 32 bits, so only the upper word has to be rounded.
    this.u32[row * 2] = value;
    this.u32[row * 2 + 1] = value >= 0 ? value * UPPER_WORD : Math.floor(value * UPPER_WORD);
  }

  setF64(row: number, value: number): void {
    this.touched = true;
    this.f64[row] = value;
  }

  /** Copies an address: four words from `words[offset]`. */
  setAddress(row: number, words: Uint32Array, offset: number): void {
    this.touched = true;
    const at = row * 4;
    this.u32[at] = words[offset]!;
    this.u32[at + 1] = words[offset + 1]!;
    this.u32[at + 2] = words[offset + 2]!;
    this.u32[at + 3] = words[offset + 3]!;
  }

  encodedSize(rows: number): number {
    return rows * this.stride;
  }

  writeTo(out: Uint8Array, offset: number, rows: number): number {
    const size = rows * this.stride;
    out.set(this.bytes.subarray(0, size), offset);
    return offset + size;
  }

  clear(rows: number): void {
    this.bytes.fill(0, 0, rows * this.stride);
    this.touched = false;
  }
}

/** Bytes that one step of copying by words moves. */
const STEP = 16;

/** Text, each value its own. Rows that were passed over are empty. */
export class StringColumn implements ColumnWriter {
  touched = false;
  private bytes = new Uint8Array(4096);
  private view = new DataView(this.bytes.buffer);
  private used = 0;
  private filled = 0;
  private source: Uint8Array = this.bytes;
  private sourceView: DataView = this.view;
  private sourceLength = 0;

  get byteLength(): number {
    return this.used;
  }

  append(row: number, source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.used + row - this.filled + length + STEP + 5 > this.bytes.length) this.grow(row - this.filled + length);
    for (; this.filled < row; this.filled++) this.bytes[this.used++] = 0;
    const at = writeVarint(this.bytes, this.used, length);
    if (source !== this.source) {
      this.source = source;
      this.sourceView = new DataView(source.buffer, source.byteOffset, source.byteLength);
      this.sourceLength = source.length;
    }
    if (end + STEP <= this.sourceLength) this.copyWords(start, end, at);
    else this.bytes.set(source.subarray(start, end), at);
    this.used = at + length;
    this.filled++;
    this.touched = true;
  }

  /** Copies source[start, end) and what follows in the last step: half the time of `set`, and no view of the range to collect. */
  private copyWords(start: number, end: number, at: number): void {
    const from = this.sourceView;
    const to = this.view;
    let target = at;
    for (let position = start; position < end; position += STEP, target += STEP) {
      const first = from.getInt32(position, true);
      const second = from.getInt32(position + 4, true);
      const third = from.getInt32(position + 8, true);
      const fourth = from.getInt32(position + 12, true);
      to.setInt32(target, first, true);
      to.setInt32(target + 4, second, true);
      to.setInt32(target + 8, third, true);
      to.setInt32(target + 12, fourth, true);
    }
  }

  encodedSize(rows: number): number {
    return this.used + rows - this.filled;
  }

  writeTo(out: Uint8Array, offset: number, rows: number): number {
    out.set(this.bytes.subarray(0, this.used), offset);
    const end = offset + this.encodedSize(rows);
    out.fill(0, offset + this.used, end);
    return end;
  }

  clear(): void {
    this.used = 0;
    this.filled = 0;
    this.touched = false;
  }

  /** Makes room for so many bytes more, their length and what a last step writes beyond them. */
  private grow(extra: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.used + extra + STEP + 5));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

const DICTIONARY_VERSION = 1;
const HAS_ADDITIONAL_KEYS = 0x200;
const NEED_UPDATE_DICTIONARY = 0x400;

/** Text with few distinct values. Entry 0 is always the empty text; at most 65,536 entries, so rows must be fewer. */
export class DictColumn implements ColumnWriter {
  touched = false;
  private readonly index: Uint16Array;
  private bytes: Buffer = Buffer.allocUnsafe(1024);
  private used = 0;
  private starts: Uint32Array = new Uint32Array(64);
  private count = 0;
  private slots: Uint32Array = new Uint32Array(128);
  private last = 0;
  private constant: Uint8Array | undefined;
  private constantEntry = 0;

  constructor(capacity: number) {
    this.index = new Uint16Array(capacity);
    this.addEntry(EMPTY, 0, 0, HASH_SEED);
  }

  /** Sets the row's value and returns its entry's number. */
  set(row: number, source: Uint8Array, start: number, end: number): number {
    this.touched = true;
    let entry = this.last;
    if (!this.equals(entry, source, start, end)) entry = this.find(source, start, end);
    this.last = entry;
    this.index[row] = entry;
    return entry;
  }

  /** {@link set} with a whole array that is often the very one of the row before (a source's id) and never changes. */
  setConstant(row: number, value: Uint8Array): void {
    if (value !== this.constant) {
      this.constantEntry = this.set(row, value, 0, value.length);
      this.constant = value;
      return;
    }
    this.touched = true;
    this.index[row] = this.constantEntry;
  }

  encodedSize(rows: number): number {
    let lengths = 0;
    for (let i = 0; i < this.count; i++) lengths += varintSize(this.starts[i + 1]! - this.starts[i]!);
    return 24 + lengths + this.used + 8 + rows * (this.count > 256 ? 2 : 1);
  }

  writeTo(out: Uint8Array, offset: number, rows: number): number {
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    const wide = this.count > 256;
    view.setUint32(offset, DICTIONARY_VERSION, true);
    view.setUint32(offset + 4, 0, true);
    view.setUint32(offset + 8, HAS_ADDITIONAL_KEYS | NEED_UPDATE_DICTIONARY | (wide ? 1 : 0), true);
    view.setUint32(offset + 12, 0, true);
    view.setUint32(offset + 16, this.count, true);
    view.setUint32(offset + 20, 0, true);
    let at = offset + 24;
    for (let i = 0; i < this.count; i++) {
      const start = this.starts[i]!;
      const end = this.starts[i + 1]!;
      at = writeVarint(out, at, end - start);
      out.set(this.bytes.subarray(start, end), at);
      at += end - start;
    }
    view.setUint32(at, rows, true);
    view.setUint32(at + 4, 0, true);
    at += 8;
    if (!wide) {
      for (let i = 0; i < rows; i++) out[at + i] = this.index[i]!;
      return at + rows;
    }
    for (let i = 0; i < rows; i++) view.setUint16(at + i * 2, this.index[i]!, true);
    return at + rows * 2;
  }

  clear(rows: number): void {
    this.index.fill(0, 0, rows);
    this.used = 0;
    this.count = 0;
    this.last = 0;
    this.constant = undefined;
    this.slots.fill(0);
    this.touched = false;
    this.addEntry(EMPTY, 0, 0, HASH_SEED);
  }

  private equals(entry: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.starts[entry]!;
    const length = this.starts[entry + 1]! - from;
    if (length !== end - start) return false;
    for (let i = 0; i < length; i++) if (this.bytes[from + i] !== source[start + i]) return false;
    return true;
  }

  private find(source: Uint8Array, start: number, end: number): number {
    let hash = HASH_SEED;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
    const mask = this.slots.length - 1;
    let slot = mix(hash) & mask;
    for (let entry = this.slots[slot]!; entry !== 0; entry = this.slots[slot]!) {
      if (this.equals(entry - 1, source, start, end)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    return this.addEntry(source, start, end, hash);
  }

  private addEntry(source: Uint8Array, start: number, end: number, hash: number): number {
    if ((this.count + 1) * 2 > this.slots.length) this.growSlots();
    const entry = this.count++;
    if (entry + 1 >= this.starts.length) {
      const starts = new Uint32Array(this.starts.length * 2);
      starts.set(this.starts);
      this.starts = starts;
    }
    if (this.used + end - start > this.bytes.length) {
      const bytes = Buffer.allocUnsafe((this.used + end - start) * 2);
      this.bytes.copy(bytes, 0, 0, this.used);
      this.bytes = bytes;
    }
    this.starts[entry] = this.used;
    this.bytes.set(source.subarray(start, end), this.used);
    this.used += end - start;
    this.starts[entry + 1] = this.used;
    this.insertSlot(entry, hash);
    return entry;
  }

  private insertSlot(entry: number, hash: number): void {
    const mask = this.slots.length - 1;
    let slot = mix(hash) & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = entry + 1;
  }

  private growSlots(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    for (let entry = 0; entry < this.count; entry++) {
      let hash = HASH_SEED;
      for (let i = this.starts[entry]!; i < this.starts[entry + 1]!; i++)
        hash = Math.imul(hash ^ this.bytes[i]!, 0x01000193);
      this.insertSlot(entry, hash);
    }
  }
}

const EMPTY = new Uint8Array(0);
/** FNV-1a, 32 bits. */
const HASH_SEED = 0x811c9dc5 | 0;

function mix(hash: number): number {
  return hash ^ (hash >>> 15);
}

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

export function writeVarint(out: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 128) {
    out[at++] = (rest & 127) | 128;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
  return at;
}
