import { VedetteError } from '../../model/errors.ts';
import { scanDecimal } from './scan-number.ts';
import { scanEpochMs, scanIsoMs } from './scan-time.ts';

/** Reads a time cell, bytes[start, end), as ms since 1970 UTC; NaN where it is none. */
export type TimeScanner = (bytes: Uint8Array, start: number, end: number) => number;

/** A line's time is its number, in a column or counted, times an interval. */
export interface IndexTime {
  readonly intervalMs: number;
  readonly startMs: number;
}

const INDEX = /^index:(\d+):(.+)$/;
const PATTERN_PART = /YYYY|YY|MM|DD|HH|mm|ss|[^A-Za-z]/y;

/**
 * Compiles a mapping's `timeFormat`: 'iso', 'unix', 'unix_ms', 'index:INTERVAL_MS:START_ISO', or a pattern of YYYY, YY
 * (20..), MM, DD, HH, mm, ss and separators, in UTC. Throws CONFIG_INVALID.
 */
export function compileTimeFormat(format: string): TimeScanner | IndexTime {
  if (format === 'iso') return scanIsoMs;
  if (format === 'unix') return scanEpochMs;
  if (format === 'unix_ms') return (bytes, start, end) => Math.floor(scanDecimal(bytes, start, end));
  const index = INDEX.exec(format);
  if (index !== null) {
    const start = Buffer.from(index[2]!);
    const startMs = scanIsoMs(start, 0, start.length);
    const intervalMs = Number(index[1]);
    if (Number.isNaN(startMs) || intervalMs === 0) throw invalid(format);
    return { intervalMs, startMs };
  }
  return compilePattern(format);
}

function invalid(format: string): VedetteError {
  return new VedetteError(
    'CONFIG_INVALID',
    `timeFormat '${format}': iso, unix, unix_ms, index:INTERVAL_MS:START_ISO or a pattern such as DD/MM/YY HH`,
  );
}

function compilePattern(format: string): TimeScanner {
  const parts: string[] = [];
  PATTERN_PART.lastIndex = 0;
  while (PATTERN_PART.lastIndex < format.length) {
    const part = PATTERN_PART.exec(format)?.[0];
    if (part === undefined) throw invalid(format);
    parts.push(part);
  }
  const hasDay = parts.includes('DD') && parts.includes('MM') && (parts.includes('YYYY') || parts.includes('YY'));
  if (!hasDay) throw invalid(format);
  return (bytes, start, end) => {
    // Put in order, so that the ISO scanner checks the ranges.
    const fields: Record<string, string> = { YYYY: '1970', MM: '01', DD: '01', HH: '00', mm: '00', ss: '00' };
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    let position = 0;
    for (const part of parts) {
      const piece = text.slice(position, position + part.length);
      position += part.length;
      if (part === 'YY') fields['YYYY'] = `20${piece}`;
      else if (part in fields) fields[part] = piece;
      else if (piece !== part) return NaN;
    }
    if (position !== text.length) return NaN;
    const iso = `${fields['YYYY']}-${fields['MM']}-${fields['DD']}T${fields['HH']}:${fields['mm']}:${fields['ss']}`;
    return scanIsoMs(Buffer.from(iso), 0, iso.length);
  };
}
