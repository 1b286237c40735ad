import { RowTable } from './row-table.ts';

/** `word`: a whole number of 32 bits, `half`: one of 16, `greatest`: one of 32 that keeps the highest value given. */
export type FieldKind = 'word' | 'half' | 'greatest';

const KEY_WORDS = 4;
const WORD = 2 ** 32;
const HALF = 2 ** 16;

/**
 * A table of rows of whole numbers that are mostly small: each lies in 16 or 32 bits, and what does not fit is carried
 * to a wide row of the same key, made when first needed. A value is the sum of both (or the greater of both), exact up
 * to 2^53. Where a value lies depends on the value alone, not on the order in which it was added up.
 *
 * A field is known by its place, see {@link placesOf}.
 */
export class CarriedRows {
  readonly rows: RowTable;
  /** Rows of float64, one for each two bytes of a row of `rows` behind its key. */
  readonly carries: RowTable;
  /** By field, in the order given: its place, its word in a row, and where in the word it lies. */
  private readonly places: Uint16Array;
  private readonly words: Uint16Array;
  private readonly shifts: Uint8Array;
  private readonly masks: Uint32Array;
  private readonly isGreatest: Uint8Array;
  /** Word of a row, and bit in it, that say whether the row has a carry. */
  private readonly flagWord: number;
  private readonly flagBit: number;

  constructor(kinds: readonly FieldKind[], options: { pageBytes?: number } = {}) {
    const flag = placesOf([...kinds, 'half']).at(-1)!;
    this.flagWord = flag >>> 1;
    this.flagBit = 1 << ((flag & 1) << 4);
    this.places = Uint16Array.from(placesOf(kinds));
    this.words = this.places.map((place) => place >>> 1);
    this.shifts = Uint8Array.from(this.places, (place) => (place & 1) << 4);
    this.masks = Uint32Array.from(kinds, (kind) => (kind === 'half' ? HALF - 1 : WORD - 1));
    this.isGreatest = Uint8Array.from(kinds, (kind) => (kind === 'greatest' ? 1 : 0));
    this.rows = new RowTable(Math.ceil((flag + 1) / 4), options);
    this.carries = new RowTable(KEY_WORDS / 2 + this.rows.words * 4 - KEY_WORDS * 2, { pageBytes: 4_096 });
  }

  /** Opens the key's row, made where it was missing. */
  openKey(k0: number, k1: number, k2: number, k3: number): number {
    const slot = this.rows.upsert(k0, k1, k2, k3);
    this.rows.open(slot);
    return slot;
  }

  /** Adds to a word of the open row. */
  addWord(place: number, amount: number): void {
    const { rows } = this;
    const at = rows.at * 2 + (place >>> 1);
    const sum = rows.u32[at]! + amount;
    rows.u32[at] = sum;
    if (sum >= WORD) this.carry(place, sum - (sum % WORD));
  }

  /** Adds to a half of the open row. */
  addHalf(place: number, amount: number): void {
    const { rows } = this;
    const at = rows.at * 2 + (place >>> 1);
    const shift = (place & 1) << 4;
    const word = rows.u32[at]!;
    const sum = ((word >>> shift) & 0xffff) + amount;
    if (sum < HALF) {
      rows.u32[at] = word + (amount << shift);
      return;
    }
    const rest = sum % HALF;
    rows.u32[at] = ((word & ~(0xffff << shift)) | (rest << shift)) >>> 0;
    this.carry(place, sum - rest);
  }

  /** Raises a `greatest` field of the open row. */
  raise(place: number, value: number): void {
    const { rows } = this;
    const at = rows.at * 2 + (place >>> 1);
    if (value >= WORD) this.carryGreatest(place, value);
    else if (value > rows.u32[at]!) rows.u32[at] = value;
  }

  /** All fields of a row, in the order given, into `into`. */
  read(slot: number, into: Float64Array): void {
    const { rows, words, shifts, masks, carries, places } = this;
    const u32 = rows.keyWords(slot);
    const row = rows.keyAt(slot);
    for (let i = 0; i < words.length; i++) into[i] = ((u32[row + words[i]!]! >>> shifts[i]!) & masks[i]!) >>> 0;
    if (!this.hasCarry(u32, row)) return;
    carries.peek(this.carrySlot(u32, row));
    for (let i = 0; i < words.length; i++) {
      const carried = carries.f64[carries.at + wideAt(places[i]!)]!;
      into[i] = this.isGreatest[i] === 1 ? Math.max(into[i]!, carried) : into[i]! + carried;
    }
  }

  /** One field of a row, by its number in the order given. */
  valueOf(slot: number, field: number): number {
    const { rows, carries } = this;
    const u32 = rows.keyWords(slot);
    const row = rows.keyAt(slot);
    const narrow = ((u32[row + this.words[field]!]! >>> this.shifts[field]!) & this.masks[field]!) >>> 0;
    if (!this.hasCarry(u32, row)) return narrow;
    carries.peek(this.carrySlot(u32, row));
    const carried = carries.f64[carries.at + wideAt(this.places[field]!)]!;
    return this.isGreatest[field] === 1 ? Math.max(narrow, carried) : narrow + carried;
  }

  /** Adds values to as many fields of the open row, `first` and on. */
  add(values: Float64Array, first: number): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) continue;
      const place = this.places[first + i]!;
      if (this.masks[first + i] === HALF - 1) this.addHalf(place, value);
      else if (this.isGreatest[first + i] === 1) this.raise(place, value);
      else this.addWord(place, value);
    }
  }

  /** Sets `n` fields of the open row, from `first` on, to 0. */
  zero(first: number, n: number): void {
    const { rows, words, shifts, masks, carries, places } = this;
    const { u32 } = rows;
    const row = rows.at * 2;
    for (let i = first; i < first + n; i++) u32[row + words[i]!]! &= ~(masks[i]! << shifts[i]!);
    if (!this.hasCarry(u32, row)) return;
    const slot = this.carrySlot(u32, row);
    carries.open(slot);
    for (let i = first; i < first + n; i++) carries.f64[carries.at + wideAt(places[i]!)] = 0;
    for (let i = KEY_WORDS / 2; i < carries.words; i++) if (carries.f64[carries.at + i] !== 0) return;
    carries.remove(slot);
    u32[row + this.flagWord]! &= ~this.flagBit;
  }

  remove(slot: number): void {
    const words = this.rows.keyWords(slot);
    const row = this.rows.keyAt(slot);
    if (this.hasCarry(words, row)) this.carries.remove(this.carrySlot(words, row));
    this.rows.remove(slot);
  }

  clear(): void {
    this.rows.clear();
    this.carries.clear();
  }

  get count(): number {
    return this.rows.count;
  }

  get byteLength(): number {
    return this.rows.byteLength + this.carries.byteLength;
  }

  private hasCarry(words: Uint32Array, row: number): boolean {
    return (words[row + this.flagWord]! & this.flagBit) !== 0;
  }

  private carrySlot(words: Uint32Array, row: number): number {
    return this.carries.find(words[row]!, words[row + 1]!, words[row + 2]!, words[row + 3]!);
  }

  private carry(place: number, amount: number): void {
    this.openCarry();
    this.carries.f64[this.carries.at + wideAt(place)]! += amount;
  }

  private carryGreatest(place: number, value: number): void {
    this.openCarry();
    const at = this.carries.at + wideAt(place);
    this.carries.f64[at] = Math.max(this.carries.f64[at]!, value);
  }

  /** Opens the wide row of the open row, made where it was missing. */
  private openCarry(): void {
    const { rows, carries } = this;
    const row = rows.at * 2;
    const { u32 } = rows;
    carries.open(carries.upsert(u32[row]!, u32[row + 1]!, u32[row + 2]!, u32[row + 3]!));
    u32[row + this.flagWord]! |= this.flagBit;
  }
}

/** Where fields of these kinds lie, in units of two bytes from a row's start: words first, so that they are aligned. */
export function placesOf(kinds: readonly FieldKind[]): number[] {
  let nextWord = KEY_WORDS * 2;
  let nextHalf = nextWord + 2 * kinds.filter((kind) => kind !== 'half').length;
  return kinds.map((kind) => {
    if (kind === 'half') return nextHalf++;
    nextWord += 2;
    return nextWord - 2;
  });
}

function wideAt(place: number): number {
  return KEY_WORDS / 2 + place - KEY_WORDS * 2;
}
