import { fourDigits, isFourDigits } from './byte-words.ts';

/** What stands in a field's place. `text` is a value of a format that has no types, such as TSV. */
export const FieldKind = { absent: 0, string: 1, number: 2, boolean: 3, compound: 4, text: 5 } as const;

/** In {@link FieldTable.micros}: the number is whole; the number was not read. */
export const NumberState = { whole: -1, unread: -2 } as const;

const EMPTY = new Uint8Array(0);
const POWERS_OF_TEN = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
const MAX_WHOLE_DIGITS = 15;
const MICRO_DIGITS = 6;

/** Where the known fields of one record stand in `bytes`: by slot, bytes[starts[slot], ends[slot]), without quotes. */
export class FieldTable {
  bytes: Uint8Array = EMPTY;
  view: DataView = new DataView(EMPTY.buffer);
  /** Upper bound of the bytes that all fields' text takes. */
  textBytes = 0;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Of {@link FieldKind}; where absent, the range means nothing. JSON's null is absent. */
  readonly kinds: Uint8Array;
  /** Of a plain decimal number read on the way: the part before the point, and millionths or a {@link NumberState}. */
  readonly whole: Float64Array;
  readonly micros: Int32Array;

  constructor(slots: number) {
    this.starts = new Int32Array(slots);
    this.ends = new Int32Array(slots);
    this.kinds = new Uint8Array(slots);
    this.whole = new Float64Array(slots);
    this.micros = new Int32Array(slots);
  }

  /** Empties it for a record whose fields will stand in `bytes`; 8 bytes past any field must be readable. */
  begin(bytes: Uint8Array, view: DataView, textBytes: number): void {
    this.clear();
    this.bytes = bytes;
    this.view = view;
    this.textBytes = textBytes;
  }

  clear(): void {
    this.kinds.fill(FieldKind.absent);
  }

  set(slot: number, kind: number, start: number, end: number): void {
    this.kinds[slot] = kind;
    this.starts[slot] = start;
    this.ends[slot] = end;
    this.micros[slot] = NumberState.unread;
  }

  /**
   * Reads the digits, and the digits after a point, at a position into `whole` and `micros` (what is finer is cut off),
   * and gives the position after them; −1, with the number unread, where there is no such number or a very long one.
   * Digits must end before the readable bytes do.
   */
  readNumber(slot: number, position: number): number {
    const { bytes, view } = this;
    const start = position;
    // Two 32-bit halves, put together once: sums in floating point would wait for one another at each digit.
    let high = 0;
    let word = view.getInt32(position, true);
    if (isFourDigits(word)) {
      high = fourDigits(word);
      position += 4;
      word = view.getInt32(position, true);
      if (isFourDigits(word)) {
        high = (high * 10_000 + fourDigits(word)) | 0;
        position += 4;
      }
    }
    const lowStart = position;
    let low = 0;
    let digit = bytes[position]! - 48;
    while (digit >= 0 && digit <= 9) {
      low = (low * 10 + digit) | 0;
      digit = bytes[++position]! - 48;
    }
    this.micros[slot] = NumberState.unread;
    if (position === start || position - start > MAX_WHOLE_DIGITS) return -1;
    this.whole[slot] = high === 0 ? low : high * POWERS_OF_TEN[position - lowStart]! + low;
    if (digit !== -2) {
      this.micros[slot] = NumberState.whole;
      return position;
    }
    return this.#readFraction(slot, position + 1);
  }

  #readFraction(slot: number, position: number): number {
    const { bytes, view } = this;
    let fraction = 0;
    let digits = 0;
    const word = view.getInt32(position, true);
    if (isFourDigits(word)) {
      fraction = fourDigits(word);
      digits = 4;
      position += 4;
    }
    let digit = bytes[position]! - 48;
    while (digit >= 0 && digit <= 9 && digits < MICRO_DIGITS) {
      fraction = fraction * 10 + digit;
      digits++;
      digit = bytes[++position]! - 48;
    }
    if (digits === 0) return -1;
    if (digits === MICRO_DIGITS) {
      while (isFourDigits(view.getInt32(position, true))) position += 4;
      while (bytes[position]! >= 48 && bytes[position]! <= 57) position++;
    }
    this.micros[slot] = fraction * POWERS_OF_TEN[MICRO_DIGITS - digits]!;
    return position;
  }
}
