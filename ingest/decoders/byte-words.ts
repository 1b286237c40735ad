/**
 * Looking at bytes four at a time, in 32-bit words read through a DataView: about four times as fast as byte by byte.
 * Masks have the top bit of a byte set where that byte is a hit; only the lowest hit is certain, since a borrow may
 * set the bits above it. Source: H. S. Warren, "Hacker's Delight", 2nd edition, 6-1.
 */

/** So many bytes past a line's end can be read, whatever they are. */
export const READABLE_PAST_END = 16;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ONES = 0x01010101;
const TOPS = -0x7f7f7f80;
const LOW_BITS = 0x7f7f7f7f;

/** A line's bytes and a view on them, from which words can be read up to the line's end and past it. */
export class LineWords {
  bytes: Uint8Array = new Uint8Array(READABLE_PAST_END);
  view: DataView = new DataView(this.bytes.buffer);
  start = 0;
  end = 0;
  #received = this.bytes;
  #readableEnd = 0;
  #plain = this.bytes;
  #plainView = this.view;
  #copy = this.bytes;
  #copyView = this.view;

  /**
   * Points at bytes[start, end), or at a copy where the buffer ends too soon after the line or where no line's end
   * follows: a number at the line's end then always ends there.
   */
  load(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.#received) this.#receive(bytes);
    const after = this.#plain[end];
    if (end > this.#readableEnd || (after !== NEWLINE && after !== CARRIAGE_RETURN)) {
      this.#loadCopy(bytes, start, end);
      return;
    }
    this.start = start;
    this.end = end;
    if (this.bytes !== this.#plain) {
      this.bytes = this.#plain;
      this.view = this.#plainView;
    }
  }

  /** Never keeps a Buffer: its properties are looked up at each use, and code that sees both kinds of array is slower. */
  #receive(bytes: Uint8Array): void {
    this.#received = bytes;
    this.#readableEnd = bytes.length - READABLE_PAST_END;
    this.#plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#plainView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #loadCopy(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#copy.length < length + READABLE_PAST_END) {
      this.#copy = new Uint8Array(2 * length + READABLE_PAST_END);
      this.#copyView = new DataView(this.#copy.buffer);
    }
    this.#copy.set(bytes.subarray(start, end));
    this.#copy[length] = NEWLINE;
    this.bytes = this.#copy;
    this.view = this.#copyView;
    this.start = 0;
    this.end = length;
  }
}

/** Marks bytes that end or interrupt plain text in a JSON string: quote, backslash, control characters, non-ASCII. */
export function stringStops(word: number): number {
  // Of non-ASCII bytes the word itself has the top bit, so the differences need not be cleared of it.
  return (((word ^ 0x22222222) - ONES) | ((word ^ 0x5c5c5c5c) - ONES) | (word - 0x20202020) | word) & TOPS;
}

/** Whether one of the four bytes is a backslash. */
export function hasBackslash(word: number): boolean {
  const difference = word ^ 0x5c5c5c5c;
  return ((difference - ONES) & ~difference & TOPS) !== 0;
}

/** Marks, exactly, the bytes that equal the byte of which `pattern` holds four. */
export function equalBytes(word: number, pattern: number): number {
  const difference = word ^ pattern;
  return ~(((difference & LOW_BITS) + LOW_BITS) | difference | LOW_BITS);
}

/** Index, 0 to 3, of the lowest hit in a mask that has one. */
export function firstHit(mask: number): number {
  return (31 - Math.clz32(mask & -mask)) >> 3;
}

/** Marks bytes that are no decimal digits. */
export function digitStops(word: number): number {
  const digits = word ^ 0x30303030;
  return (digits | (digits + 0x76767676)) & TOPS;
}

/** Whether all four bytes are decimal digits. */
export function isFourDigits(word: number): boolean {
  return ((word | (word + 0x46464646) | (word - 0x30303030)) & TOPS) === 0;
}

/** The word's first bytes, 0 to 3 of them, as its last, behind zeros: so few digits are a number of four. */
export function alignDigits(word: number, count: number): number {
  // In two steps, since a shift by 32 is one by 0.
  return (word << 8) << (24 - 8 * count);
}

/** The number, 0 to 9999, that four digits make. */
export function fourDigits(word: number): number {
  const digits = word & 0x0f0f0f0f;
  const pairs = (digits * 10 + (digits >>> 8)) & 0x00ff00ff;
  return (pairs & 255) * 100 + (pairs >>> 16);
}
