/** Readings and lengths of time as they stand in the sentences of a verdict. Independent of locale. */

/** A value with its unit, five significant digits: `3.4215 bar`. */
export function reading(value: number, unit: string): string {
  const digits = String(Number(value.toPrecision(5)));
  return unit === '' ? digits : `${digits} ${unit}`;
}

/** `42 s`, `7.5 min`, `3.2 h`, `4.1 d`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${tenths(seconds)} s`;
  if (seconds < 5400) return `${tenths(seconds / 60)} min`;
  return seconds < 129_600 ? `${tenths(seconds / 3600)} h` : `${tenths(seconds / 86_400)} d`;
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Half at the threshold, towards 1 far above it. */
export function confidenceOf(ratio: number): number {
  return 1 - 0.5 / Math.max(1, ratio);
}
