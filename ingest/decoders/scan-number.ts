/** Numbers read out of bytes, without making a string of them on the usual path. */

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
/** So many decimal digits always fit a double's 53 bits. */
const EXACT_DIGITS = 15;
const LONGEST_NUMBER = 400;

function slowDecimal(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > LONGEST_NUMBER) return NaN;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  const value = NUMBER.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

/** The finite decimal number at bytes[start, end), rounded as JavaScript does; NaN where it is none or overflows. */
export function scanDecimal(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  const isNegative = bytes[position] === 0x2d;
  if (isNegative) position++;
  let mantissa = 0;
  let digits = 0;
  let pointAt = -1;
  for (; position < end; position++) {
    const digit = bytes[position]! - 48;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digits++;
    } else if (digit === -2 && pointAt < 0 && digits > 0) {
      pointAt = digits;
    } else {
      return slowDecimal(bytes, start, end);
    }
  }
  if (digits === 0 || digits > EXACT_DIGITS || pointAt === digits) return slowDecimal(bytes, start, end);
  // One correctly rounded division of two exact numbers: Clinger's fast path, the same as parsing the text.
  const value = pointAt < 0 ? mantissa : mantissa / POWERS_OF_TEN[digits - pointAt]!;
  return isNegative ? -value : value;
}

/** The whole number, 0 to 2^53 − 1, at bytes[start, end); −1 where there is anything else. `12.0` and `1e3` are whole. */
export function scanCount(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  if (end - start <= EXACT_DIGITS) {
    let value = 0;
    let position = start;
    for (; position < end; position++) {
      const digit = bytes[position]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (position === end) return value;
  }
  const value = slowDecimal(bytes, start, end);
  return Number.isSafeInteger(value) && value >= 0 ? value + 0 : -1;
}
