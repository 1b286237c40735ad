import type { EventRow } from './event-row.ts';

/** What a decoder made of one line. A string is the reason for a dead letter (a short, stable phrase, see {@link DeadLetterReason}). */
export type DecodeResult = 'event' | 'skip' | DeadLetterReason;

/** Why a record could not be read: the label in metrics and the field in dead letters. Closed, so that counters stay bounded. */
export type DeadLetterReason =
  | 'not_json'
  | 'not_utf8'
  | 'too_deep'
  | 'too_long'
  | 'too_many_fields'
  | 'duplicate_key'
  | 'missing_time'
  | 'bad_time'
  | 'missing_field'
  | 'bad_address'
  | 'bad_number'
  | 'bad_type'
  | 'wrong_columns'
  | 'no_header'
  | 'unknown_format'
  | 'empty_record'
  | 'decompression_limit'
  | 'unknown_compression'
  | 'bad_message'
  | 'truncated_input';

/**
 * Turns the records of one source into events. One instance a source: it may keep what came before (a Zeek header).
 *
 * `decodeLine` reads bytes[start, end), without the line's end, fills `emit`'s row and calls it once an event (a wide
 * CSV line gives several). It never throws on any input: what cannot be read is a {@link DeadLetterReason}; comments,
 * headers and blank lines are 'skip'.
 */
export interface Decoder {
  readonly format: string;
  decodeLine(bytes: Uint8Array, start: number, end: number, row: EventRow, emit: (row: EventRow) => void): DecodeResult;
  /** What must survive a restart in mid-file, such as a header: JSON. */
  saveState(): string;
  restoreState(state: string): void;
}

/** One log format, listed in decoders/index.ts. */
export interface Format {
  /** Stable name, as in `--format` and in metrics: `zeek-tsv`. */
  readonly name: string;
  readonly title: string;
  /** Sources of this format may be this much out of order, ms; the watermark lags the newest event by it. */
  readonly disorderMs: number;
  /** How sure the first bytes are of this format: 0 no, 1 certainly. */
  detect(head: Uint8Array, hint: { readonly fileName?: string }): number;
  createDecoder(options: DecoderOptions): Decoder;
}

export interface DecoderOptions {
  /** Name of the file or stream, for formats that take the device's name from it. */
  readonly fileName?: string;
  /** Wide CSV mapping, from the configuration, where one applies. */
  readonly mapping?: CsvMapping;
}

/** How a wide CSV file becomes readings: one event for each value column. */
export interface CsvMapping {
  readonly name: string;
  /** Glob on the file's path that this mapping applies to, such as `**​/skab/**​/*.csv`. */
  readonly match: string;
  readonly delimiter: string;
  /** Column of the time. '' where there is none: with 'index:…', each device's lines are counted from 0. */
  readonly time: string;
  /**
   * 'iso' (T or space, taken as UTC without a zone), 'unix', 'unix_ms', a pattern of YYYY, YY, MM, DD, HH, mm, ss such as
   * 'DD/MM/YY HH', or 'index:INTERVAL_MS:START_ISO': the start and so many intervals as the time column's whole number.
   */
  readonly timeFormat: string;
  /** How far out of order lines may be, ms, where the format's default (10 s) is too little. */
  readonly disorderMs?: number;
  /** Text with `{stem}` (file's name without ending), `{folder}` (its folder's name), `{column:NAME}`: `skab-{stem}`. */
  readonly device: string;
  /** Columns that are values; every other column is ignored. `*` takes all that are not the time, the device or in `ignore`. */
  readonly values: readonly string[] | '*';
  readonly ignore: readonly string[];
  /** Metric's name where there is one value column called otherwise; default: the column's name. */
  readonly metric?: string;
  readonly units: Readonly<Record<string, string>>;
}
