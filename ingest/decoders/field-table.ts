import { alignDigits, digitStops, firstHit, fourDigits, isFourDigits } from './byte-words.ts';

/** What stands in a field's place. `text` is a value of a format that has no types, such as TSV. */
export const FieldKind = { absent: 0, string: 1, number: 2, boolean: 3, compound: 4, text: 5 } as const;

/** In {@link FieldTable.micros}: the number is whole; the number was not read. */
export const NumberState = { whole: -1, unread: -2 } as const;

const EMPTY = new Uint8Array(0);
const POWERS_OF_TEN = Float64Array.of(1, 10, 100, 1000);
/** Millionths in the last of so many digits after a point. */
const MICROS = Int32Array.of(1_000_000, 100_000, 10_000, 1000, 100, 10, 1);
/** Bytes of the whole words that a number of up to 15 digits begins with. */
const MAX_WHOLE_WORDS = 12;
const POINT = 0x2e;

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

  readonly #kindWords: Int32Array;

  constructor(slots: number) {
    this.starts = new Int32Array(slots);
    this.ends = new Int32Array(slots);
    this.#kindWords = new Int32Array((slots + 3) >> 2);
    this.kinds = new Uint8Array(this.#kindWords.buffer, 0, slots);
    this.whole = new Float64Array(slots);
    this.micros = new Int32Array(slots);
  }

  /** Empties it for a record whose fields will stand in `bytes`; 8 bytes past any field must be readable. */
  begin(bytes: Uint8Array, view: DataView, textBytes: number): void {
    this.clear();
    this.textBytes = textBytes;
    // Mostly as it was: storing a reference costs more than comparing it.
    if (this.bytes === bytes && this.view === view) return;
    this.bytes = bytes;
    this.view = view;
  }

  clear(): void {
    // A loop over a few words: `fill` is a call out of the compiled code.
    const words = this.#kindWords;
    for (let index = 0; index < words.length; index++) words[index] = 0;
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
    const { view } = this;
    let at = position;
    let whole = 0;
    let word = view.getInt32(at, true);
    let stops = digitStops(word);
    this.micros[slot] = NumberState.unread;
    for (; stops === 0; stops = digitStops(word)) {
      if (at - position === MAX_WHOLE_WORDS) return -1;
      whole = whole * 10_000 + fourDigits(word);
      at += 4;
      word = view.getInt32(at, true);
    }
    const count = firstHit(stops);
    at += count;
    if (at === position) return -1;
    this.whole[slot] = whole * POWERS_OF_TEN[count]! + fourDigits(alignDigits(word, count));
    if (((word >>> (8 * count)) & 255) === POINT) return this.#readFraction(slot, at + 1);
    this.micros[slot] = NumberState.whole;
    return at;
  }

  #readFraction(slot: number, position: number): number {
    const { view } = this;
    const word = view.getInt32(position, true);
    const stops = digitStops(word);
    if (stops !== 0) {
      const count = firstHit(stops);
      if (count === 0) return -1;
      this.micros[slot] = fourDigits(alignDigits(word, count)) * MICROS[count]!;
      return position + count;
    }
    const next = view.getInt32(position + 4, true);
    const nextStops = digitStops(next);
    const count = nextStops === 0 ? 4 : firstHit(nextStops);
    const used = count < 2 ? count : 2;
    this.micros[slot] = fourDigits(word) * 100 + fourDigits(alignDigits(next, used)) * MICROS[4 + used]!;
    return count < 4 ? position + 4 + count : this.#skipDigits(position + 8);
  }

  #skipDigits(position: number): number {
    const { bytes, view } = this;
    while (isFourDigits(view.getInt32(position, true))) position += 4;
    while (bytes[position]! >= 48 && bytes[position]! <= 57) position++;
    return position;
  }
}
