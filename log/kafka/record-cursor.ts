import { VedetteError } from '../../model/errors.ts';

/** Records of one batch, uncompressed, in `bytes[start, end)`. */
export interface RecordRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

/**
 * Goes through the records of a batch without making an object of each: after `next()` gave true, the fields say where
 * the current one lies. `valueStart` is −1 in a tombstone, `keyStart` in a record without a key.
 *
 * A record: length varint, attributes i8, time delta varlong, offset delta varint, key and value each as varint length
 * (−1: none) and bytes, headers. Numbers are zigzag. Lengths come from outside: each is held against what encloses it.
 * Errors: LOG_CORRUPT.
 */
export class RecordCursor {
  readonly bytes: Uint8Array;
  offset = -1;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  readonly #end: number;
  readonly #count: number;
  readonly #baseOffset: number;
  readonly #nextOffset: number;
  #at: number;
  #taken = 0;

  constructor(range: RecordRange) {
    this.bytes = range.bytes;
    this.#at = range.start;
    this.#end = range.end;
    this.#count = range.count;
    this.#baseOffset = range.baseOffset;
    this.#nextOffset = range.nextOffset;
    this.offset = range.baseOffset - 1;
  }

  next(): boolean {
    if (this.#taken >= this.#count) {
      if (this.#at !== this.#end) throw this.#damaged(`${this.#end - this.#at} bytes behind the last record`);
      return false;
    }
    const { bytes } = this;
    const length = this.#varint(this.#end);
    const start = this.#at;
    const end = start + length;
    if (length < 0 || end > this.#end) throw this.#damaged(`a length of ${length}`);
    let at = start + 1;
    while (at < end && bytes[at]! >= 0x80) at++;
    this.#at = at + 1;
    const offset = this.#baseOffset + this.#varint(end);
    // Compaction leaves gaps, so offsets rise by one or more; one that goes back would have a reader go in circles.
    if (offset <= this.offset || offset >= this.#nextOffset) throw this.#damaged(`offset ${offset}`);
    this.offset = offset;
    const keyLength = this.#varint(end);
    this.keyStart = keyLength < 0 ? -1 : this.#at;
    this.keyEnd = keyLength < 0 ? -1 : this.#at + keyLength;
    if (keyLength > 0) this.#at += keyLength;
    const valueLength = this.#varint(end);
    this.valueStart = valueLength < 0 ? -1 : this.#at;
    this.valueEnd = valueLength < 0 ? -1 : this.#at + valueLength;
    if (this.valueEnd > end) throw this.#damaged(`a value of ${valueLength} bytes`);
    this.#at = end;
    this.#taken++;
    return true;
  }

  /** Up to five bytes, zigzag; reads nothing at or past `limit`. */
  #varint(limit: number): number {
    const { bytes } = this;
    let at = this.#at;
    if (at >= limit) throw this.#damaged('it ends within a number');
    let byte = bytes[at++]!;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (at >= limit || shift > 28) throw this.#damaged('a number that does not end');
      byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
    }
    this.#at = at;
    return (value >>> 1) ^ -(value & 1);
  }

  #damaged(what: string): VedetteError {
    const at = `${this.#taken} of ${this.#count} of the batch at ${this.#baseOffset}`;
    return new VedetteError('LOG_CORRUPT', `record ${at} is damaged: ${what}`);
  }
}
