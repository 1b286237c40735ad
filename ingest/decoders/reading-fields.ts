import { EventClass } from '../../model/event-columns.ts';
import type { DecodeResult } from '../decoder.ts';
import { TEXT, type EventRow } from '../event-row.ts';
import { FieldKind } from './field-table.ts';
import { scanDecimal } from './scan-number.ts';
import { MAX_TIME_MICROS, MIN_TIME_MICROS, scanEpochMs, scanIsoMs } from './scan-time.ts';
import { TextCopy } from './text-copy.ts';

/** Devices' clocks and radio hops: readings may be this much out of order. */
export const READINGS_DISORDER_MS = 10_000;

/** Names are keys of state and of dictionaries. */
export const MAX_NAME_BYTES = 256;

/** Slots of a reading in a field table. */
export const Reading = { time: 0, device: 1, metric: 2, value: 3, unit: 4 } as const;
export const READING_SLOTS = 5;

/** Names of a reading's fields, in JSON and in CSV headers. */
export const READING_FIELD_NAMES: ReadonlyMap<string, number> = new Map([
  ['time', Reading.time],
  ['ts', Reading.time],
  ['timestamp', Reading.time],
  ['device', Reading.device],
  ['metric', Reading.metric],
  ['value', Reading.value],
  ['unit', Reading.unit],
]);

/** Where a reading's fields stand in `bytes`, by {@link Reading} slot; a field table is one. */
export interface ReadingFields {
  bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Of {@link FieldKind}. */
  readonly kinds: Uint8Array;
}

export const READINGS_LOG = Buffer.from('readings');

/** From here on an epoch number is in milliseconds: as seconds it would be the year 5138. */
const FIRST_MILLISECONDS = 1e11;

/** ISO 8601 (UTC without a zone), epoch seconds or epoch milliseconds, as ms since 1970; NaN where it is none. */
function scanReadingTimeMs(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 4 && bytes[start + 4] === 0x2d) return scanIsoMs(bytes, start, end);
  const epoch = scanDecimal(bytes, start, end);
  return epoch >= FIRST_MILLISECONDS ? Math.floor(epoch) : scanEpochMs(bytes, start, end);
}

export function isLogTime(timeMs: number): boolean {
  return timeMs >= MIN_TIME_MICROS / 1000 && timeMs <= MAX_TIME_MICROS / 1000;
}

/** Fills rows. The row's text is valid until the next call. */
export class ReadingRowWriter {
  readonly #text = new TextCopy();

  /** @param known the value, where it has been read already. */
  write(fields: ReadingFields, row: EventRow, known?: number): DecodeResult {
    const { kinds, starts, ends, bytes } = fields;
    if (kinds[Reading.time] === FieldKind.absent) return 'missing_time';
    if (kinds[Reading.time] === FieldKind.boolean || kinds[Reading.time] === FieldKind.compound) return 'bad_type';
    const timeMs = scanReadingTimeMs(bytes, starts[Reading.time]!, ends[Reading.time]!);
    if (!isLogTime(timeMs)) return 'bad_time';

    const valueKind = kinds[Reading.value]!;
    if (valueKind === FieldKind.absent) return 'missing_field';
    if (valueKind !== FieldKind.number && valueKind !== FieldKind.text) return 'bad_type';
    const value = known ?? scanDecimal(bytes, starts[Reading.value]!, ends[Reading.value]!);
    if (Number.isNaN(value)) return 'bad_number';

    row.reset();
    row.eventClass = EventClass.reading;
    row.timeMs = timeMs;
    row.startMs = timeMs;
    row.value = value;
    this.#text.begin(READINGS_LOG.length + 3 * MAX_NAME_BYTES);
    this.#text.append(READINGS_LOG, 0, READINGS_LOG.length);
    row.text = this.#text.bytes;
    row.setText(TEXT.log, 0, READINGS_LOG.length);
    return (
      this.#name(fields, Reading.device, TEXT.device, row) ??
      this.#name(fields, Reading.metric, TEXT.metric, row) ??
      (kinds[Reading.unit] === FieldKind.absent ? undefined : this.#name(fields, Reading.unit, TEXT.unit, row)) ??
      'event'
    );
  }

  #name(fields: ReadingFields, slot: number, textSlot: number, row: EventRow): DecodeResult | undefined {
    const kind = fields.kinds[slot]!;
    const start = fields.starts[slot]!;
    const end = fields.ends[slot]!;
    if (kind === FieldKind.absent) return 'missing_field';
    if (kind !== FieldKind.string && kind !== FieldKind.text) return 'bad_type';
    if (end - start > MAX_NAME_BYTES) return 'too_long';
    if (end === start) return slot === Reading.unit ? undefined : 'missing_field';
    const from = this.#text.length;
    this.#text.append(fields.bytes, start, end);
    row.setText(textSlot, from, this.#text.length);
    return undefined;
  }
}
