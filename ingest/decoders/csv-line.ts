import { isUtf8 } from 'node:buffer';
import type { DeadLetterReason } from '../decoder.ts';

export const MAX_CSV_COLUMNS = 1024;

const QUOTE = 0x22;

/**
 * The cells of one CSV line (RFC 4180), blanks around them left out: bytes[starts[i], ends[i]). Unquoted lines are read
 * where they stand; a line with quotes is first copied without them. A quoted cell can't go over several lines, since
 * records are cut at line ends. Valid until the next call of {@link split}.
 */
export class CsvLine {
  bytes: Uint8Array = new Uint8Array(0);
  count = 0;
  readonly starts = new Int32Array(MAX_CSV_COLUMNS);
  readonly ends = new Int32Array(MAX_CSV_COLUMNS);
  #copy = new Uint8Array(1024);

  /** Splits bytes[start, end) at a delimiter's byte; says why where it can't. */
  split(bytes: Uint8Array, start: number, end: number, delimiter: number): DeadLetterReason | undefined {
    this.bytes = bytes;
    this.count = 0;
    let cellStart = start;
    let high = 0;
    for (let index = start; index < end; index++) {
      const byte = bytes[index]!;
      high |= byte;
      if (byte === delimiter) {
        if (this.count >= MAX_CSV_COLUMNS - 1) return 'too_many_fields';
        this.#cell(cellStart, index);
        cellStart = index + 1;
      } else if (byte === QUOTE) {
        return isUtf8(bytes.subarray(start, end)) ? this.#splitQuoted(bytes, start, end, delimiter) : 'not_utf8';
      }
    }
    this.#cell(cellStart, end);
    return high >= 0x80 && !isUtf8(bytes.subarray(start, end)) ? 'not_utf8' : undefined;
  }

  text(cell: number): string {
    return Buffer.from(
      this.bytes.buffer,
      this.bytes.byteOffset + this.starts[cell]!,
      this.ends[cell]! - this.starts[cell]!,
    ).toString();
  }

  #cell(start: number, end: number): void {
    let from = start;
    let to = end;
    while (from < to && this.bytes[from] === 0x20) from++;
    while (to > from && this.bytes[to - 1] === 0x20) to--;
    this.starts[this.count] = from;
    this.ends[this.count] = to;
    this.count++;
  }

  #splitQuoted(source: Uint8Array, start: number, end: number, delimiter: number): DeadLetterReason | undefined {
    if (this.#copy.length < end - start) this.#copy = new Uint8Array(2 * (end - start));
    const copy = this.#copy;
    this.bytes = copy;
    this.count = 0;
    let used = 0;
    let index = start;
    for (;;) {
      if (this.count >= MAX_CSV_COLUMNS) return 'too_many_fields';
      const cellStart = used;
      while (index < end && source[index] === 0x20) index++;
      const isQuoted = source[index] === QUOTE && index < end;
      if (isQuoted) {
        index++;
        for (;;) {
          if (index >= end) return 'wrong_columns';
          const byte = source[index++]!;
          if (byte !== QUOTE) copy[used++] = byte;
          else if (index < end && source[index] === QUOTE) copy[used++] = source[index++]!;
          else break;
        }
        while (index < end && source[index] === 0x20) index++;
        if (index < end && source[index] !== delimiter) return 'wrong_columns';
        this.starts[this.count] = cellStart;
        this.ends[this.count++] = used;
      } else {
        while (index < end && source[index] !== delimiter) copy[used++] = source[index++]!;
        this.#cell(cellStart, used);
      }
      if (index >= end) return undefined;
      index++;
    }
  }
}

/** The delimiter of a header line, by which occurs most: comma, semicolon or tab. */
export function guessDelimiter(header: string): number {
  const counts = [',', ';', '\t'].map((delimiter) => header.split(delimiter).length);
  const best = counts.indexOf(Math.max(...counts));
  return [0x2c, 0x3b, 0x09][best] ?? 0x2c;
}
