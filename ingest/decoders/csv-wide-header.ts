import type { CsvMapping } from '../decoder.ts';
import type { DevicePart } from './csv-mapping.ts';
import { MAX_NAME_BYTES, READINGS_LOG } from './reading-fields.ts';

/** A value column, and where its names stand in {@link WideHeader.names}. */
export interface ValueColumn {
  readonly column: number;
  readonly metricStart: number;
  readonly metricEnd: number;
  /** −1 where it has no unit. */
  readonly unitStart: number;
  readonly unitEnd: number;
}

/** What a header line means under a mapping. */
export interface WideHeader {
  readonly columns: readonly string[];
  /** −1 where lines are counted instead. */
  readonly timeColumn: number;
  readonly deviceParts: readonly (Uint8Array | number)[];
  readonly values: readonly ValueColumn[];
  /** The log's name, the metrics' and the units'; from `deviceStart` on, room for a device's name. */
  readonly names: Uint8Array;
  readonly deviceStart: number;
}

/** Finds a mapping's columns in a header; undefined where the time, a device column or every value is missing. */
export function resolveHeader(
  columns: readonly string[],
  mapping: CsvMapping,
  device: readonly DevicePart[],
): WideHeader | undefined {
  const timeColumn = mapping.time === '' ? -1 : columns.indexOf(mapping.time);
  if (mapping.time !== '' && timeColumn < 0) return undefined;
  const deviceParts = device.map((part) => ('text' in part ? Buffer.from(part.text) : columns.indexOf(part.column)));
  if (deviceParts.includes(-1)) return undefined;
  const valueColumns = columns.flatMap((name, column) => {
    if (column === timeColumn || name === '' || mapping.ignore.includes(name)) return [];
    const isValue = mapping.values === '*' ? !deviceParts.includes(column) : mapping.values.includes(name);
    return isValue ? [{ name, column }] : [];
  });
  if (valueColumns.length === 0) return undefined;

  const pieces: Uint8Array[] = [READINGS_LOG];
  let used = READINGS_LOG.length;
  const put = (text: string): number => {
    const bytes = Buffer.from(text).subarray(0, MAX_NAME_BYTES);
    pieces.push(bytes);
    used += bytes.length;
    return used;
  };
  const values = valueColumns.map(({ name, column }) => {
    const metricStart = used;
    const metricEnd = put(valueColumns.length === 1 ? (mapping.metric ?? name) : name);
    const unit = Object.hasOwn(mapping.units, name) ? mapping.units[name] : undefined;
    const unitStart = unit === undefined ? -1 : used;
    return { column, metricStart, metricEnd, unitStart, unitEnd: unit === undefined ? -1 : put(unit) };
  });
  const names = new Uint8Array(used + MAX_NAME_BYTES);
  names.set(Buffer.concat(pieces));
  return { columns, timeColumn, deviceParts, values, names, deviceStart: used };
}
