import { isUtf8 } from 'node:buffer';
import type { Decoder, DecoderOptions, DecodeResult, Format } from '../decoder.ts';
import type { EventRow } from '../event-row.ts';
import { LineWords, equalBytes, firstHit } from './byte-words.ts';
import { FieldKind, FieldTable, NumberState } from './field-table.ts';
import { JSON_LIMITS } from './json-record.ts';
import { ZEEK_FIELD_COUNT, isNumberSlot, zeekLogFromFileName, type ZeekLog } from './zeek-fields.ts';
import { ZeekRowWriter } from './zeek-row.ts';
import { ZeekHeader } from './zeek-tsv-header.ts';

const FORMAT = 'zeek-tsv';
const DISORDER_MS = 5 * 60_000;
const HASH = 0x23;
const CARRIAGE_RETURN = 0x0d;
const NON_ASCII = -0x7f7f7f80;

class ZeekTsvDecoder implements Decoder {
  readonly format = FORMAT;
  readonly #fields = new FieldTable(ZEEK_FIELD_COUNT);
  readonly #writer = new ZeekRowWriter({ text: 'escaped' });
  /** Where each column ends. */
  readonly #columnEnds = new Int32Array(JSON_LIMITS.fields);
  readonly #fileLog: ZeekLog | undefined;
  readonly #line = new LineWords();
  #header = new ZeekHeader();

  constructor(options: DecoderOptions) {
    this.#fileLog = options.fileName === undefined ? undefined : zeekLogFromFileName(options.fileName);
  }

  decodeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    row: EventRow,
    emit: (row: EventRow) => void,
  ): DecodeResult {
    if (end > start && bytes[end - 1] === CARRIAGE_RETURN) end--;
    if (end === start) return 'skip';
    if (end - start > JSON_LIMITS.lineBytes) return 'too_long';
    if (bytes[start] === HASH) {
      // Other columns may come: what the old ones left must not be taken for theirs.
      this.#fields.clear();
      return this.#header.readLine(bytes, start, end);
    }
    if (this.#header.columnCount === 0) return isBlank(bytes, start, end) ? 'skip' : 'no_header';
    const line = this.#line;
    line.load(bytes, start, end);
    const reason = this.#splitColumns();
    if (reason !== 'event') return reason;
    this.#noteFields();
    const result = this.#writer.write(this.#fields, this.#header.log ?? this.#fileLog, row);
    if (result === 'event') emit(row);
    return result;
  }

  #splitColumns(): DecodeResult {
    const { bytes, view, start, end } = this.#line;
    const { separator, columnCount } = this.#header;
    const pattern = separator * 0x01010101;
    const columnEnds = this.#columnEnds;
    let columns = 0;
    let seen = 0;
    for (let position = start; position < end; position += 4) {
      const word = view.getInt32(position, true);
      seen |= word;
      let hits = equalBytes(word, pattern);
      while (hits !== 0) {
        const at = position + firstHit(hits);
        if (at >= end) break;
        // One too many is enough to know; more would not fit.
        if (columns + 1 === columnCount) return 'wrong_columns';
        columnEnds[columns++] = at;
        hits &= hits - 1;
      }
    }
    columnEnds[columns++] = end;
    if (columns !== columnCount) return isBlank(bytes, start, end) ? 'skip' : 'wrong_columns';
    return (seen & NON_ASCII) !== 0 && !isUtf8(bytes.subarray(start, end)) ? 'not_utf8' : 'event';
  }

  #noteFields(): void {
    const fields = this.#fields;
    const { kinds, starts, ends } = fields;
    const { bytes, view, start, end } = this.#line;
    const { mappedColumns, mappedSlots, mappedCount, emptyField, unsetField } = this.#header;
    const columnEnds = this.#columnEnds;
    const unsetStart = unsetField[0];
    const emptyStart = emptyField[0];
    fields.bytes = bytes;
    fields.view = view;
    fields.textBytes = end - start;
    for (let index = 0; index < mappedCount; index++) {
      const column = mappedColumns[index]!;
      const slot = mappedSlots[index]!;
      const from = column === 0 ? start : columnEnds[column - 1]! + 1;
      const to = columnEnds[column]!;
      const first = bytes[from];
      starts[slot] = from;
      ends[slot] = to;
      if (first === unsetStart && isText(unsetField, bytes, from, to)) {
        kinds[slot] = FieldKind.absent;
        continue;
      }
      kinds[slot] = FieldKind.text;
      if (first === emptyStart && isText(emptyField, bytes, from, to)) ends[slot] = from;
      else if (isNumberSlot(slot) && fields.readNumber(slot, from) !== to) fields.micros[slot] = NumberState.unread;
    }
  }

  saveState(): string {
    return this.#header.save();
  }

  restoreState(state: string): void {
    this.#header = ZeekHeader.restore(state);
    this.#fields.clear();
  }
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  // NUL and its like are no white space: a line of them is damage, not nothing.
  for (let position = start; position < end; position++)
    if (bytes[position]! > 0x20 || bytes[position]! < 0x09) return false;
  return true;
}

/** Whether bytes[start, end) is exactly this text. */
function isText(text: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) if (text[index] !== bytes[start + index]) return false;
  return true;
}

/** Header lines among the first bytes make it certain; nothing else begins so. */
function detect(head: Uint8Array): number {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  if (/^#(?:separator |fields[^\w])/.test(text)) return 1;
  return text.includes('\n#fields\t') ? 0.9 : 0;
}

/**
 * Zeek's TSV logs: header lines that name the columns, then a line a record. Columns are found by name; a new header
 * in mid-file, as rotation by concatenation makes it, replaces the old one.
 * Source: https://docs.zeek.org/en/master/log-formats.html
 */
export const zeekTsv: Format = {
  name: FORMAT,
  title: 'Zeek TSV logs',
  disorderMs: DISORDER_MS,
  detect,
  createDecoder: (options) => new ZeekTsvDecoder(options),
};
