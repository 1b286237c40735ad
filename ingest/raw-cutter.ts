import type { FormatChoice } from './formats.ts';
import type { RecordSink } from './sources/record-sink.ts';
import { RecordSplitter, type RecordLayout } from './sources/record-splitter.ts';

const LF = 10;
const HASH = 0x23;
/** Blank space between two records that is sent along; beyond it another message begins. */
const MAX_GAP_BYTES = 4096;
/** A longer one is no header, and would not fit beside a message's lines. */
const MAX_HEADER_BYTES = 65_536;
const HEAD_BYTES = 1024;
const CLOSING = Buffer.from('#close');

/** Whole records, as one message holds them. */
export interface RawCut {
  readonly bytes: Uint8Array;
  /** Of the first byte, in the source; records have the distances from it that they have there. */
  readonly position: number;
  readonly layout: RecordLayout;
  /** What is needed to read the records and came before them. */
  readonly header: string;
  readonly records: number;
  readonly problem?: 'too_long' | 'truncated_input' | 'decompression_limit';
}

export interface RawCutterState {
  readonly layout?: RecordLayout;
  readonly header: string;
  /** Whether the next line with `#` goes on with the header. */
  readonly isHeaderOpen: boolean;
}

/** How a format's header is told: lines with `#` before the records they are for, or the first line. */
export type HeaderKind = 'hash-lines' | 'first-line' | 'none';

export function headerKindOf({ format, mapping }: FormatChoice): HeaderKind {
  if (mapping || format.name === 'readings-csv') return 'first-line';
  return format.name === 'zeek-tsv' ? 'hash-lines' : 'none';
}

/**
 * Cuts a stream into messages of whole records that can each be read alone. What lies between records (line ends,
 * commas of an array) becomes line ends, so that a record keeps its position.
 */
export class RawCutter implements RecordSink {
  private readonly options: {
    readonly batchBytes: number;
    readonly maxBytes: number;
    readonly headerKind: HeaderKind;
    readonly onCut: (cut: RawCut) => void;
  };
  private readonly splitter: RecordSplitter;
  private buffer: Uint8Array;
  private length = 0;
  private base = 0;
  private records = 0;
  /** Of the records in the buffer, and of those that come. */
  private cutHeader = '';
  private header: string;
  private layout: RecordLayout;
  private isHeaderOpen: boolean;

  constructor(options: RawCutter['options'], state?: RawCutterState) {
    this.options = options;
    this.buffer = new Uint8Array(options.batchBytes);
    this.header = state?.header ?? '';
    this.isHeaderOpen = state?.isHeaderOpen ?? false;
    this.layout = state?.layout ?? 'lines';
    this.splitter = new RecordSplitter(this, state?.layout === undefined ? {} : { layout: state.layout });
  }

  /** `position` is that of bytes[0]; pieces follow each other without a gap. */
  push(bytes: Uint8Array, position: number): void {
    this.splitter.push(bytes, position);
  }

  /** Gives out what is cut, though it is less than a message may hold. */
  flush(): void {
    this.cut();
  }

  /** The stream ends, here or, with a problem, before its time. */
  finish(end: { readonly position: number; readonly problem?: NonNullable<RawCut['problem']> }): void {
    this.splitter.finish();
    this.cut();
    if (end.problem) this.giveOut(new Uint8Array(0), end.position, end.problem);
  }

  get resumePosition(): number {
    return this.splitter.resumePosition;
  }

  save(): RawCutterState {
    const { layout } = this.splitter;
    return { header: this.header, isHeaderOpen: this.isHeaderOpen, ...(layout === undefined ? {} : { layout }) };
  }

  record(bytes: Uint8Array, start: number, end: number, position: number): void {
    const { batchBytes, maxBytes } = this.options;
    this.layout = this.splitter.layout ?? 'lines';
    const sizeBytes = end - start;
    if (sizeBytes > maxBytes) {
      this.rejected('too_long', position, bytes.subarray(start, start + HEAD_BYTES));
      return;
    }
    const gap = position - (this.base + this.length);
    if (this.length > 0 && (gap > MAX_GAP_BYTES || this.length + gap + sizeBytes > batchBytes)) this.cut();
    if (this.records === 0) {
      this.base = position;
      this.cutHeader = this.header;
    }
    const at = position - this.base;
    if (at + sizeBytes > this.buffer.length) this.grow(at + sizeBytes);
    this.buffer.fill(LF, this.length, at);
    this.buffer.set(bytes.subarray(start, end), at);
    this.length = at + sizeBytes;
    this.records++;
    if (this.options.headerKind !== 'none') this.noteHeader(bytes.subarray(start, end));
  }

  rejected(reason: 'too_long' | 'truncated_input', position: number, head: Uint8Array): void {
    this.cut();
    this.giveOut(head.slice(), position, reason);
  }

  private cut(): void {
    if (this.records === 0) return;
    const { base, layout, records } = this;
    const bytes = this.buffer.slice(0, this.length);
    const header = this.cutHeader;
    this.length = 0;
    this.records = 0;
    this.options.onCut({ bytes, position: base, layout, header, records });
  }

  private giveOut(bytes: Uint8Array, position: number, problem: NonNullable<RawCut['problem']>): void {
    this.options.onCut({ bytes, position, layout: this.layout, header: this.header, records: 1, problem });
  }

  private grow(sizeBytes: number): void {
    const grown = new Uint8Array(sizeBytes);
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  /** A header is part of its own message; for those after it, it is kept. */
  private noteHeader(line: Uint8Array): void {
    if (this.options.headerKind === 'first-line') {
      if (this.header === '' && line.length > 0) this.header = Buffer.from(line).toString();
      return;
    }
    const isHeader = line[0] === HASH && !startsWith(line, CLOSING);
    if (isHeader) {
      const text = Buffer.from(line).toString();
      const before = this.isHeaderOpen ? `${this.header}\n` : '';
      if (before.length + text.length <= MAX_HEADER_BYTES) this.header = before + text;
    }
    this.isHeaderOpen = isHeader;
  }
}

function startsWith(line: Uint8Array, start: Uint8Array): boolean {
  return line.length >= start.length && start.every((byte, i) => line[i] === byte);
}
