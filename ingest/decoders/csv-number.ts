import { scanDecimal } from './scan-number.ts';

const LOOSE_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NO_READING = /^(?:nan|null)$/i;
const LONGEST_NUMBER = 400;

/** There is no reading in this cell: it is empty, NaN or null. */
export const NO_VALUE = Number.POSITIVE_INFINITY;

/**
 * The number in bytes[start, end), {@link NO_VALUE} where the cell says that there is none, NaN where it is something
 * else or overflows. Besides JSON's numbers, `+1`, `.5` and `5.` are numbers.
 */
export function scanCell(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return NO_VALUE;
  const value = scanDecimal(bytes, start, end);
  if (value === value || end - start > LONGEST_NUMBER) return value;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  if (NO_READING.test(text)) return NO_VALUE;
  const loose = LOOSE_NUMBER.test(text) ? Number(text) : NaN;
  return Number.isFinite(loose) ? loose : NaN;
}
