import { scanDecimal } from './scan-number.ts';

/** Times and durations read out of bytes, as whole microseconds, so that adding a duration to a time is exact. */

/** 1971-01-01 and 2200-01-01, UTC: a log's time outside is a mistake. */
export const MIN_TIME_MICROS = Date.UTC(1971, 0) * 1000;
export const MAX_TIME_MICROS = Date.UTC(2200, 0) * 1000;

const MAX_SECOND_DIGITS = 10;

/** Seconds with a fraction at bytes[start, end), as microseconds, what is finer cut off; NaN where it is no number. */
export function scanSecondsMicros(bytes: Uint8Array, start: number, end: number): number {
  let seconds = 0;
  let position = start;
  for (; position < end; position++) {
    const digit = bytes[position]! - 48;
    if (digit < 0 || digit > 9) break;
    seconds = seconds * 10 + digit;
  }
  const secondDigits = position - start;
  if (secondDigits > 0 && secondDigits <= MAX_SECOND_DIGITS) {
    if (position === end) return seconds * 1_000_000;
    if (bytes[position] === 0x2e && position + 1 < end) {
      const micros = scanFractionMicros(bytes, position + 1, end);
      if (micros >= 0) return seconds * 1_000_000 + micros;
    }
  }
  return Math.trunc(scanDecimal(bytes, start, end) * 1_000_000);
}

/** The digits after a decimal point as millionths, further digits cut off; −1 where there is anything else. */
function scanFractionMicros(bytes: Uint8Array, start: number, end: number): number {
  let micros = 0;
  let scale = 100_000;
  for (let position = start; position < end; position++) {
    const digit = bytes[position]! - 48;
    if (digit < 0 || digit > 9) return -1;
    micros += digit * scale;
    scale = (scale / 10) | 0;
  }
  return micros;
}

function scanDigits(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let position = start; position < start + count; position++) {
    const digit = bytes[position]! - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function daysInMonth(year: number, month: number): number {
  return month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : (MONTH_DAYS[month - 1] ?? 0);
}

/** Days since 1970-01-01 of a Gregorian date: H. Hinnant, "chrono-compatible low-level date algorithms" (2013). */
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/**
 * An ISO 8601 time (RFC 3339, with `T` or a space, seconds optional) at bytes[start, end) as microseconds since 1970
 * UTC; without a zone it is UTC. NaN where it is none. A date alone is its midnight.
 */
export function scanIsoMicros(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 10) return NaN;
  const year = scanDigits(bytes, start, 4);
  const month = scanDigits(bytes, start + 5, 2);
  const day = scanDigits(bytes, start + 8, 2);
  if (bytes[start + 4] !== 0x2d || bytes[start + 7] !== 0x2d || year < 0 || month < 1 || day < 1) return NaN;
  if (month > 12 || day > daysInMonth(year, month)) return NaN;
  const dayMicros = daysFromCivil(year, month, day) * 86_400_000_000;
  if (end - start === 10) return dayMicros;

  const separator = bytes[start + 10]! | 32;
  if (end - start < 16 || (separator !== 0x74 && separator !== 32) || bytes[start + 13] !== 0x3a) return NaN;
  const hour = scanDigits(bytes, start + 11, 2);
  const minute = scanDigits(bytes, start + 14, 2);
  let position = start + 16;
  let second = 0;
  let micros = 0;
  if (position < end && bytes[position] === 0x3a) {
    second = position + 3 <= end ? scanDigits(bytes, position + 1, 2) : -1;
    position += 3;
    if (position < end && (bytes[position] === 0x2e || bytes[position] === 0x2c)) {
      const fractionStart = ++position;
      while (position < end && bytes[position]! >= 48 && bytes[position]! <= 57) position++;
      if (position === fractionStart) return NaN;
      micros = scanFractionMicros(bytes, fractionStart, position);
    }
  }
  // A leap second (60) is the first moment of the next minute.
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return NaN;
  const zoneMinutes = scanZone(bytes, position, end);
  return dayMicros + ((hour * 60 + minute - zoneMinutes) * 60 + second) * 1_000_000 + micros;
}

/** Minutes east of UTC of `Z`, nothing, `±hh`, `±hhmm` or `±hh:mm` at bytes[start, end); NaN where it is none of them. */
function scanZone(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const sign = bytes[start]!;
  if (length === 1) return sign === 0x5a || sign === 0x7a ? 0 : NaN;
  if ((sign !== 0x2b && sign !== 0x2d) || (length !== 3 && length !== 5 && length !== 6)) return NaN;
  if (length === 6 && bytes[start + 3] !== 0x3a) return NaN;
  const hours = scanDigits(bytes, start + 1, 2);
  const minutes = length === 3 ? 0 : scanDigits(bytes, end - 2, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
  return sign === 0x2d ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

/** Milliseconds since 1970 of an ISO 8601 time, see {@link scanIsoMicros}, rounded down; NaN where it is none. */
export function scanIsoMs(bytes: Uint8Array, start: number, end: number): number {
  return Math.floor(scanIsoMicros(bytes, start, end) / 1000);
}

/** Milliseconds since 1970 of epoch seconds with a fraction, rounded down; NaN where it is no number. */
export function scanEpochMs(bytes: Uint8Array, start: number, end: number): number {
  return Math.floor(scanSecondsMicros(bytes, start, end) / 1000);
}
