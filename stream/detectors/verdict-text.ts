/** Numbers as they stand in the sentences of a verdict. Independent of locale, so that a replay gives the same text. */

/** `1,597`; two significant digits below 10: `0.31`. */
export function quantity(value: number): string {
  if (value !== 0 && Math.abs(value) < 10) return String(Number(value.toPrecision(2)));
  const digits = Math.abs(Math.round(value)).toString();
  return (value < 0 ? '−' : '') + digits.replace(/\B(?=(\d{3})+$)/g, ',');
}

const BYTE_UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, three significant digits: `412 MB`. */
export function byteSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${BYTE_UNITS[unit]!}`;
}

/** A ratio in −1..1, with its sign: `+0.97`. */
export function signed(value: number): string {
  return (value < 0 ? '−' : '+') + Math.abs(value).toFixed(2);
}

/** `1 minute`, `23 minutes`, `1.5 hours`. */
export function span(durationMs: number): string {
  const minutes = Math.max(1, Math.round(durationMs / 60_000));
  if (minutes < 90) return minutes === 1 ? '1 minute' : `${minutes} minutes`;
  const hours = Number((minutes / 60).toFixed(1));
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
