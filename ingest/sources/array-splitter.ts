import { Carry } from './carry.ts';
import {
  DEFAULT_MAX_RECORD_BYTES,
  REJECTED_HEAD_BYTES,
  type RecordSink,
  type Splitter,
  type SplitterOptions,
} from './record-sink.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Cuts a JSON array, pretty printed or not, into its elements, without parsing them: it counts brackets outside strings.
 * Between elements, commas, white space and the array's own brackets are passed over, so that arrays one after another
 * and objects without separators are read too. Whether an element is good JSON is the decoder's to say.
 *
 * An element over the limit is reported once and dropped up to the bracket that closes it. An element that is still
 * open at the end is 'truncated_input'.
 */
export class ArraySplitter implements Splitter {
  readonly #sink: RecordSink;
  readonly #maxRecordBytes: number;
  readonly #carry = new Carry();
  #elementPosition = 0;
  #nextPosition = 0;
  #inElement = false;
  #discarding = false;
  /** Brackets open inside the element. */
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(sink: RecordSink, options: SplitterOptions = {}) {
    this.#sink = sink;
    this.#maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  }

  get resumePosition(): number {
    return this.#inElement ? this.#elementPosition : this.#nextPosition;
  }

  push(bytes: Uint8Array, position: number): void {
    this.#nextPosition = position + bytes.length;
    let start = 0;
    let index = 0;
    while (index < bytes.length) {
      if (!this.#inElement) {
        index = skipBetween(bytes, index);
        if (index >= bytes.length) return;
        start = index;
        this.#inElement = true;
        this.#elementPosition = position + index;
      }
      index = this.#scan(bytes, index);
      if (this.#inElement) break;
      this.#close(bytes, start, index);
    }
    if (this.#inElement) this.#keep(bytes, start);
  }

  finish(): void {
    if (this.#inElement && !this.#discarding) {
      if (this.#depth === 0 && !this.#inString) {
        this.#sink.record(this.#carry.bytes, 0, this.#carry.length, this.#elementPosition);
      } else {
        const head = this.#carry.bytes.subarray(0, Math.min(this.#carry.length, REJECTED_HEAD_BYTES));
        this.#sink.rejected('truncated_input', this.#elementPosition, head);
      }
    }
    this.#carry.clear();
    this.#inElement = false;
    this.#discarding = false;
    this.#inString = false;
    this.#escaped = false;
    this.#depth = 0;
  }

  /** Goes on in the open element; returns the index after it, with #inElement false, where it ends in these bytes. */
  #scan(bytes: Uint8Array, from: number): number {
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let index = from;
    let end = -1;
    for (; index < bytes.length && end < 0; index++) {
      const byte = bytes[index]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        // A closing bracket at depth 0 is the array's own, after a number or a word.
        if (depth === 0) end = index;
        else if (--depth === 0) end = index + 1;
      } else if (depth === 0 && (byte === COMMA || byte <= 0x20)) {
        end = index;
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    if (end < 0) return bytes.length;
    this.#inElement = false;
    return end;
  }

  #close(bytes: Uint8Array, start: number, end: number): void {
    if (this.#discarding) {
      this.#discarding = false;
      return;
    }
    if (this.#carry.length + end - start > this.#maxRecordBytes) this.#reject(bytes, start, end);
    else if (this.#carry.length === 0) this.#sink.record(bytes, start, end, this.#elementPosition);
    else {
      this.#carry.append(bytes, start, end);
      this.#sink.record(this.#carry.bytes, 0, this.#carry.length, this.#elementPosition);
    }
    this.#carry.clear();
  }

  #keep(bytes: Uint8Array, start: number): void {
    if (this.#discarding) return;
    if (this.#carry.length + bytes.length - start <= this.#maxRecordBytes) {
      this.#carry.append(bytes, start, bytes.length);
      return;
    }
    this.#reject(bytes, start, bytes.length);
    this.#carry.clear();
    this.#discarding = true;
  }

  #reject(bytes: Uint8Array, start: number, end: number): void {
    const missing = REJECTED_HEAD_BYTES - this.#carry.length;
    if (missing > 0) this.#carry.append(bytes, start, Math.min(end, start + missing));
    this.#sink.rejected(
      'too_long',
      this.#elementPosition,
      this.#carry.bytes.subarray(0, Math.min(this.#carry.length, REJECTED_HEAD_BYTES)),
    );
  }
}

/**
 * White space, commas, the array's brackets, the bytes of a byte order mark; also a brace that closes nothing, which
 * would otherwise be an element without a byte.
 */
function skipBetween(bytes: Uint8Array, from: number): number {
  let index = from;
  while (index < bytes.length) {
    const byte = bytes[index]!;
    const passedOver =
      byte <= 0x20 ||
      byte === COMMA ||
      byte === OPEN_BRACKET ||
      byte === CLOSE_BRACKET ||
      byte === CLOSE_BRACE ||
      byte === 0xef ||
      byte === 0xbb ||
      byte === 0xbf;
    if (!passedOver) return index;
    index++;
  }
  return index;
}
