import { Buffer } from 'node:buffer';
import { Carry } from './carry.ts';
import {
  DEFAULT_MAX_RECORD_BYTES,
  REJECTED_HEAD_BYTES,
  type RecordSink,
  type Splitter,
  type SplitterOptions,
} from './record-sink.ts';

const LF = 10;
const CR = 13;

/**
 * Cuts at \n or \r\n. Lines are ranges of the chunk itself; only one that straddles two chunks is copied. Blank lines
 * are records too (decoders skip them). A byte order mark at the start of a stream is not part of its first line.
 *
 * A line over the limit is reported once, as soon as the limit is passed, and the rest of it is dropped unread.
 */
export class LineSplitter implements Splitter {
  readonly #sink: RecordSink;
  readonly #maxRecordBytes: number;
  readonly #carry = new Carry();
  /** Position of the first byte of the line that is open. */
  #linePosition = 0;
  #endPosition = 0;
  #discarding = false;
  #atStart = true;

  constructor(sink: RecordSink, options: SplitterOptions = {}) {
    this.#sink = sink;
    this.#maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  }

  /** While a line is being dropped this is its start, so that a restart drops it again rather than read its rest. */
  get resumePosition(): number {
    return this.#linePosition;
  }

  push(bytes: Uint8Array, position: number): void {
    // Buffer's indexOf is memchr; a Uint8Array's own is five times slower.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#carry.length === 0 && !this.#discarding) this.#linePosition = position;
    this.#endPosition = position + bytes.length;
    let start = 0;
    for (;;) {
      const newline = buffer.indexOf(LF, start);
      if (newline < 0) break;
      this.#close(bytes, start, newline);
      start = newline + 1;
      this.#linePosition = position + start;
    }
    if (start < bytes.length) this.#keep(bytes, start);
  }

  finish(): void {
    if (this.#carry.length > 0) this.#deliver(this.#carry.bytes, 0, this.#carry.length, this.#linePosition);
    this.#linePosition = this.#endPosition;
    this.#carry.clear();
    this.#discarding = false;
    this.#atStart = true;
  }

  #close(bytes: Uint8Array, start: number, newline: number): void {
    if (this.#discarding) {
      this.#discarding = false;
      return;
    }
    if (this.#carry.length === 0) {
      this.#deliver(bytes, start, newline, this.#linePosition);
      return;
    }
    // One byte of grace for the \r, which is no part of the line.
    if (this.#carry.length + newline - start > this.#maxRecordBytes + 1) {
      this.#reject(bytes, start, newline);
    } else {
      this.#carry.append(bytes, start, newline);
      this.#deliver(this.#carry.bytes, 0, this.#carry.length, this.#linePosition);
    }
    this.#carry.clear();
  }

  #deliver(bytes: Uint8Array, start: number, end: number, position: number): void {
    let from = start;
    if (this.#atStart) {
      this.#atStart = false;
      if (bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf && end - from >= 3) from += 3;
    }
    const to = end > from && bytes[end - 1] === CR ? end - 1 : end;
    if (to - from > this.#maxRecordBytes) {
      this.#sink.rejected('too_long', position, bytes.subarray(from, Math.min(to, from + REJECTED_HEAD_BYTES)));
    } else {
      this.#sink.record(bytes, from, to, position + from - start);
    }
  }

  #keep(bytes: Uint8Array, start: number): void {
    if (this.#discarding) return;
    if (this.#carry.length + bytes.length - start <= this.#maxRecordBytes + 1) {
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
    this.#atStart = false;
    const head = this.#carry.bytes.subarray(0, Math.min(this.#carry.length, REJECTED_HEAD_BYTES));
    this.#sink.rejected('too_long', this.#linePosition, head);
  }
}
