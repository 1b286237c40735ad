import type { Decoder, DecodeResult, Format } from '../decoder.ts';
import type { EventRow } from '../event-row.ts';
import { CsvLine, guessDelimiter, MAX_CSV_COLUMNS } from './csv-line.ts';
import { NO_VALUE, scanCell } from './csv-number.ts';
import { FieldKind } from './field-table.ts';
import {
  Reading,
  READING_FIELD_NAMES,
  READING_SLOTS,
  READINGS_DISORDER_MS,
  ReadingRowWriter,
  type ReadingFields,
} from './reading-fields.ts';

const FORMAT = 'readings-csv';

interface Header {
  readonly delimiter: number;
  readonly columns: number;
  /** Column of each {@link Reading} slot, −1 where there is none. */
  readonly columnOf: readonly number[];
}

class ReadingsCsvDecoder implements Decoder {
  readonly format = FORMAT;
  readonly #line = new CsvLine();
  readonly #fields: ReadingFields = {
    bytes: this.#line.bytes,
    starts: new Int32Array(READING_SLOTS),
    ends: new Int32Array(READING_SLOTS),
    kinds: new Uint8Array(READING_SLOTS),
  };
  readonly #writer = new ReadingRowWriter();
  #header: Header | undefined;

  decodeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    row: EventRow,
    emit: (row: EventRow) => void,
  ): DecodeResult {
    if (start === end) return 'skip';
    const header = this.#header;
    if (header === undefined) {
      this.#header = parseHeader(bytes.subarray(start, end));
      return this.#header === undefined ? 'no_header' : 'skip';
    }
    const line = this.#line;
    const reason = line.split(bytes, start, end, header.delimiter);
    if (reason !== undefined) return reason;
    if (line.count === 1 && line.starts[0] === line.ends[0]) return 'skip';
    const result = line.count === header.columns ? this.#read(header, row) : 'wrong_columns';
    if (result === 'event') {
      emit(row);
    } else if (result !== 'skip') {
      // Rotated files and concatenated ones have a header each, perhaps another one.
      const next = parseHeader(bytes.subarray(start, end));
      if (next !== undefined) {
        this.#header = next;
        return 'skip';
      }
    }
    return result;
  }

  saveState(): string {
    return JSON.stringify({ header: this.#header ?? null });
  }

  restoreState(state: string): void {
    this.#header = (JSON.parse(state) as { header: Header | null }).header ?? undefined;
  }

  #read(header: Header, row: EventRow): DecodeResult {
    const line = this.#line;
    const fields = this.#fields;
    fields.kinds.fill(FieldKind.absent);
    fields.bytes = line.bytes;
    for (let slot = 0; slot < READING_SLOTS; slot++) {
      const column = header.columnOf[slot]!;
      if (column < 0 || line.starts[column] === line.ends[column]) continue;
      fields.kinds[slot] = FieldKind.text;
      fields.starts[slot] = line.starts[column]!;
      fields.ends[slot] = line.ends[column]!;
    }
    const column = header.columnOf[Reading.value]!;
    const value = scanCell(line.bytes, line.starts[column]!, line.ends[column]!);
    if (value === NO_VALUE) return 'skip';
    return this.#writer.write(fields, row, value);
  }
}

/** The columns of a header line; undefined where one of time, device, metric and value is missing or stands twice. */
function parseHeader(bytes: Uint8Array): Header | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const line = new CsvLine();
  const delimiter = guessDelimiter(text);
  if (line.split(bytes, 0, bytes.length, delimiter) !== undefined || line.count > MAX_CSV_COLUMNS) return undefined;
  const columnOf = new Array<number>(READING_SLOTS).fill(-1);
  for (let column = 0; column < line.count; column++) {
    const slot = READING_FIELD_NAMES.get(line.text(column).toLowerCase());
    if (slot === undefined) continue;
    if (columnOf[slot] !== -1) return undefined;
    columnOf[slot] = column;
  }
  const isComplete = columnOf.every((column, slot) => column >= 0 || slot === Reading.unit);
  return isComplete ? { delimiter, columns: line.count, columnOf } : undefined;
}

function detect(head: Uint8Array): number {
  let start = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (start < head.length && head[start]! <= 0x20) start++;
  let end = head.indexOf(10, start);
  if (end < 0) end = head.length;
  if (head[end - 1] === 13) end--;
  return parseHeader(head.subarray(start, end)) === undefined ? 0 : 0.97;
}

/**
 * Device readings as CSV (RFC 4180) with a header that names `time` (or `ts`, `timestamp`), `device`, `metric`, `value`
 * and perhaps `unit`, in any order and among others, separated by comma, semicolon or tab. A line without a value
 * (empty, NaN, null) is no reading and is skipped.
 */
export const readingsCsv: Format = {
  name: FORMAT,
  title: 'Device readings, CSV',
  disorderMs: READINGS_DISORDER_MS,
  detect,
  createDecoder: () => new ReadingsCsvDecoder(),
};
