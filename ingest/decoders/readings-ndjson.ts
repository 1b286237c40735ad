import type { Decoder, DecodeResult, Format } from '../decoder.ts';
import type { EventRow } from '../event-row.ts';
import { FieldTable } from './field-table.ts';
import { JsonRecordParser } from './json-record.ts';
import { READING_FIELD_NAMES, READING_SLOTS, READINGS_DISORDER_MS, ReadingRowWriter } from './reading-fields.ts';
import { JsonFieldScanner } from './scan-json.ts';

const FORMAT = 'readings-ndjson';

/** Which parser reads records: 'scan' falls back on the general one, which gives the same (for tests). */
export type ReadingsParser = 'scan' | 'general';

class ReadingsNdjsonDecoder implements Decoder {
  readonly format = FORMAT;
  readonly #fields = new FieldTable(READING_SLOTS);
  readonly #scanner: JsonFieldScanner | undefined;
  readonly #parser = new JsonRecordParser(READING_FIELD_NAMES);
  readonly #writer = new ReadingRowWriter();

  constructor(parser: ReadingsParser) {
    this.#scanner = parser === 'scan' ? new JsonFieldScanner(READING_FIELD_NAMES) : undefined;
  }

  decodeLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    row: EventRow,
    emit: (row: EventRow) => void,
  ): DecodeResult {
    if (this.#scanner?.scan(bytes, start, end, this.#fields) !== true) {
      if (isBlank(bytes, start, end)) return 'skip';
      const reason = this.#parser.parse(bytes, start, end, this.#fields);
      if (reason !== undefined) return reason;
    }
    const result = this.#writer.write(this.#fields, row);
    if (result === 'event') emit(row);
    return result;
  }

  saveState(): string {
    return '{}';
  }

  /** Nothing is kept from one record to the next. */
  restoreState(_state: string): void {
    return;
  }
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  // NUL and its like are no white space: a line of them is damage, not nothing.
  for (let position = start; position < end; position++)
    if (bytes[position]! > 0x20 || bytes[position]! < 0x09) return false;
  return true;
}

/** A decoder that reads with one of the two parsers; the format's own reads with 'scan'. */
export function createReadingsNdjsonDecoder(parser: ReadingsParser): Decoder {
  return new ReadingsNdjsonDecoder(parser);
}

/** The first object names a device, a metric and a value. It may be the first of an array, and over several lines. */
function detect(head: Uint8Array): number {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const object = /^(?:ï»¿)?[\s[]*(\{[^}]*)/.exec(text)?.[1];
  if (object === undefined) return 0;
  const found = ['device', 'metric', 'value'].filter((name) => new RegExp(`"${name}"\\s*:`).test(object)).length;
  const hasTime = /"(?:time|ts|timestamp)"\s*:/.test(object);
  return found === 3 ? (hasTime ? 0.97 : 0.5) : 0;
}

/**
 * Device readings, one JSON object a line (or in an array): `time` (or `ts`, `timestamp`: ISO 8601, epoch seconds or
 * milliseconds), `device`, `metric`, `value`, and `unit` if there is one. Other members are ignored. `value` must be a
 * number: a string is 'bad_type', null is 'missing_field'.
 */
export const readingsNdjson: Format = {
  name: FORMAT,
  title: 'Device readings, JSON',
  disorderMs: READINGS_DISORDER_MS,
  detect,
  createDecoder: () => createReadingsNdjsonDecoder('scan'),
};
