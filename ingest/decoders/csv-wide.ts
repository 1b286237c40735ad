import { EventClass } from '../../model/event-columns.ts';
import { VedetteError } from '../../model/errors.ts';
import type { CsvMapping, DecodeResult, Decoder, DecoderOptions, Format } from '../decoder.ts';
import { TEXT, type EventRow } from '../event-row.ts';
import { CsvLine } from './csv-line.ts';
import { compileDevice, type DevicePart, namesFile } from './csv-mapping.ts';
import { NO_VALUE, scanCell } from './csv-number.ts';
import { compileTimeFormat, type IndexTime, type TimeScanner } from './csv-time.ts';
import { resolveHeader, type WideHeader } from './csv-wide-header.ts';
import { isLogTime, MAX_NAME_BYTES, READINGS_DISORDER_MS, READINGS_LOG } from './reading-fields.ts';
import { scanCount } from './scan-number.ts';

const FORMAT = 'csv-mapped';
/** Devices whose lines are counted, where lines have no time of their own. */
const MAX_COUNTED_DEVICES = 65_536;

interface SavedState {
  readonly columns: readonly string[] | null;
  readonly counts: readonly (readonly [device: string, lines: number])[];
  /** Where it names the device. */
  readonly fileName?: string;
}

class WideCsvDecoder implements Decoder {
  readonly format = FORMAT;
  readonly #mapping: CsvMapping;
  readonly #delimiter: number;
  #fileName: string | undefined;
  #device: readonly DevicePart[];
  readonly #time: TimeScanner | IndexTime;
  readonly #line = new CsvLine();
  readonly #counts = new Map<string, number>();
  #header: WideHeader | undefined;
  #deviceEnd = 0;

  constructor(mapping: CsvMapping, fileName: string | undefined) {
    this.#mapping = mapping;
    if (mapping.delimiter !== '\t' && !/^[!#-,/:-@[-^`{-~]$/.test(mapping.delimiter)) {
      throw new VedetteError(
        'CONFIG_INVALID',
        `mapping ${mapping.name}: delimiter must be one character, such as , or ;`,
      );
    }
    this.#delimiter = mapping.delimiter.charCodeAt(0);
    this.#fileName = fileName;
    this.#device = compileDevice(mapping, fileName);
    this.#time = compileTimeFormat(mapping.timeFormat);
    if (mapping.time === '' && typeof this.#time === 'function') {
      throw new VedetteError(
        'CONFIG_INVALID',
        `mapping ${mapping.name}: without a time column, timeFormat must be index:…`,
      );
    }
  }

  decodeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    row: EventRow,
    emit: (row: EventRow) => void,
  ): DecodeResult {
    if (start === end) return 'skip';
    const line = this.#line;
    const reason = line.split(bytes, start, end, this.#delimiter);
    if (reason !== undefined) return reason;
    if (line.count === 1 && line.starts[0] === line.ends[0]) return 'skip';
    const header = this.#header;
    if (header === undefined || this.#isHeaderAgain(header)) {
      const columns = Array.from({ length: line.count }, (_, column) => line.text(column));
      this.#header = resolveHeader(columns, this.#mapping, this.#device) ?? header;
      return this.#header === undefined ? 'no_header' : 'skip';
    }
    if (line.count !== header.columns.length) return 'wrong_columns';
    const problem = this.#nameDevice(header);
    if (problem !== undefined) return problem;
    const timeMs = this.#timeMs(header);
    if (!isLogTime(timeMs)) return 'bad_time';
    row.reset();
    row.eventClass = EventClass.reading;
    row.timeMs = timeMs;
    row.startMs = timeMs;
    row.text = header.names;
    row.setText(TEXT.log, 0, READINGS_LOG.length);
    row.setText(TEXT.device, header.deviceStart, this.#deviceEnd);
    return this.#emitValues(header, row, emit);
  }

  saveState(): string {
    const fileName = namesFile(this.#mapping) ? this.#fileName : undefined;
    const columns = this.#header?.columns ?? null;
    return JSON.stringify({
      columns,
      counts: [...this.#counts],
      ...(fileName === undefined ? {} : { fileName }),
    } satisfies SavedState);
  }

  restoreState(state: string): void {
    const { columns, counts, fileName } = JSON.parse(state) as SavedState;
    if (fileName !== undefined && namesFile(this.#mapping)) {
      this.#fileName = fileName;
      this.#device = compileDevice(this.#mapping, fileName);
    }
    this.#header = columns === null ? undefined : resolveHeader(columns, this.#mapping, this.#device);
    this.#counts.clear();
    for (const [device, lines] of counts) this.#counts.set(device, lines);
  }

  #emitValues(header: WideHeader, row: EventRow, emit: (row: EventRow) => void): DecodeResult {
    const line = this.#line;
    let result: DecodeResult = 'skip';
    let isBad = false;
    for (const column of header.values) {
      const value = scanCell(line.bytes, line.starts[column.column]!, line.ends[column.column]!);
      if (value === NO_VALUE) continue;
      if (value !== value) {
        isBad = true;
        continue;
      }
      row.value = value;
      row.setText(TEXT.metric, column.metricStart, column.metricEnd);
      row.setText(TEXT.unit, column.unitStart, column.unitEnd);
      emit(row);
      result = 'event';
    }
    return isBad ? 'bad_number' : result;
  }

  /** Rotated and concatenated files have a header each. */
  #isHeaderAgain(header: WideHeader): boolean {
    const { bytes, starts, ends, count } = this.#line;
    const first = header.columns[0]!;
    if (bytes[starts[0]!] !== first.charCodeAt(0) || ends[0]! - starts[0]! < first.length || count < 2) return false;
    return this.#line.text(0) === first;
  }

  /** Puts the device's name behind the header's names. */
  #nameDevice(header: WideHeader): 'missing_field' | 'too_long' | undefined {
    const { bytes, starts, ends } = this.#line;
    let end = header.deviceStart;
    for (const part of header.deviceParts) {
      const source = typeof part === 'number' ? bytes : part;
      const from = typeof part === 'number' ? starts[part]! : 0;
      const to = typeof part === 'number' ? ends[part]! : part.length;
      if (from === to) return 'missing_field';
      if (end - header.deviceStart + to - from > MAX_NAME_BYTES) return 'too_long';
      for (let index = from; index < to; index++) header.names[end++] = source[index]!;
    }
    this.#deviceEnd = end;
    return undefined;
  }

  #timeMs(header: WideHeader): number {
    const { bytes, starts, ends } = this.#line;
    const time = this.#time;
    const column = header.timeColumn;
    if (typeof time === 'function') return time(bytes, starts[column]!, ends[column]!);
    const index = column >= 0 ? scanCount(bytes, starts[column]!, ends[column]!) : this.#countLine(header);
    return index < 0 ? NaN : time.startMs + index * time.intervalMs;
  }

  #countLine(header: WideHeader): number {
    const { names, deviceStart } = header;
    const device = Buffer.from(names.buffer, names.byteOffset + deviceStart, this.#deviceEnd - deviceStart).toString();
    const index = this.#counts.get(device);
    if (index === undefined && this.#counts.size >= MAX_COUNTED_DEVICES) return -1;
    this.#counts.set(device, (index ?? -1) + 1);
    return (index ?? -1) + 1;
  }
}

function createDecoder(options: DecoderOptions): Decoder {
  if (options.mapping === undefined) {
    throw new VedetteError(
      'CONFIG_INVALID',
      `${FORMAT} needs a mapping whose match fits ${options.fileName ?? 'the source'}`,
    );
  }
  return new WideCsvDecoder(options.mapping, options.fileName);
}

/**
 * Wide CSV through a {@link CsvMapping}: one reading for each value column. An empty cell, NaN or null is no reading;
 * where a cell is no number, the line's other readings count and the line is a dead letter 'bad_number' besides. It is
 * never detected by content: a mapping's `match` on the path chooses it.
 */
export const csvMapped: Format = {
  name: FORMAT,
  title: 'Readings in wide CSV, by a mapping',
  disorderMs: READINGS_DISORDER_MS,
  detect: () => 0,
  createDecoder,
};
