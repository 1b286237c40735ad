import { isUtf8 } from 'node:buffer';
import { READABLE_PAST_END, hasBackslash } from './byte-words.ts';

const BACKSLASH = 0x5c;

/** Bytes of text that do not stand in the received bytes as they should: one record's worth, used again and again. */
export class TextCopy {
  bytes = new Uint8Array(4096);
  length = 0;
  #view = new DataView(this.bytes.buffer);

  /** Empties it, with room for so many bytes. */
  begin(capacity: number): void {
    this.length = 0;
    if (this.bytes.length < capacity + READABLE_PAST_END) {
      this.bytes = new Uint8Array(2 * capacity + READABLE_PAST_END);
      this.#view = new DataView(this.bytes.buffer);
    }
  }

  /** Appends source[start, end) as it stands. */
  append(source: Uint8Array, start: number, end: number): void {
    const bytes = this.bytes;
    let used = this.length;
    for (let position = start; position < end; position++) bytes[used++] = source[position]!;
    this.length = used;
  }

  /** {@link append} by words: three bytes past the end must be readable. */
  appendWords(source: DataView, start: number, end: number): void {
    const view = this.#view;
    let used = this.length;
    for (let position = start; position < end; position += 4, used += 4) {
      view.setInt32(used, source.getInt32(position, true), true);
    }
    this.length += end - start;
  }

  /**
   * {@link appendWords} with Zeek's escapes (`\x09`, `\\`) undone. A value that is not UTF-8 when undone, such
   * as a binary DNS name, stays as Zeek wrote it.
   */
  appendUnescaped(source: DataView, start: number, end: number): void {
    const view = this.#view;
    let used = this.length;
    for (let position = start; position < end; position += 4, used += 4) {
      const word = source.getInt32(position, true);
      if (hasBackslash(word)) {
        this.#unescape(source, start, end);
        return;
      }
      view.setInt32(used, word, true);
    }
    this.length += end - start;
  }

  #unescape(source: DataView, start: number, end: number): void {
    const bytes = this.bytes;
    let used = this.length;
    for (let position = start; position < end; position++) {
      const byte = source.getUint8(position);
      const next = position + 1 < end ? source.getUint8(position + 1) : 0;
      if (byte !== BACKSLASH) {
        bytes[used++] = byte;
      } else if (next === BACKSLASH) {
        bytes[used++] = BACKSLASH;
        position++;
      } else {
        const value =
          next === 0x78 && position + 3 < end
            ? hexPair(source.getUint8(position + 2), source.getUint8(position + 3))
            : -1;
        bytes[used++] = value < 0 ? BACKSLASH : value;
        if (value >= 0) position += 3;
      }
    }
    if (isUtf8(bytes.subarray(this.length, used))) this.length = used;
    else this.appendWords(source, start, end);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** The byte that two hexadecimal digits name; −1 where one is none. */
export function hexPair(high: number, low: number): number {
  const value = hexDigit(high) * 16 + hexDigit(low);
  return hexDigit(high) < 0 || hexDigit(low) < 0 ? -1 : value;
}
