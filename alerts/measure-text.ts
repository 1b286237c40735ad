import { sanitizeText } from './hostile-text.ts';

/** Numbers, times and units for people. Independent of locale and time zone, so that the same alert reads the same. */

/** `1,597`; below 100, three significant digits: `0.31`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'unknown' : value < 0 ? '−∞' : '∞';
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(2).replace('-', '−');
  const sign = value < 0 ? '−' : '';
  if (size < 100) return sign + String(Number(size.toPrecision(3)));
  return (
    sign +
    Math.round(size)
      .toFixed(0)
      .replace(/\B(?=(\d{3})+$)/g, ',')
  );
}

const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** Decimal prefixes, three significant digits: `412 MB`, `1.5 Gbit/s`. */
function formatScaled(value: number, units: { readonly plain: string; readonly scaled: string }): string {
  let size = Math.abs(value);
  let step = 0;
  while (size >= 999.5 && step < DECIMAL.length - 1) {
    size /= 1000;
    step++;
  }
  const sign = value < 0 ? '−' : '';
  return step === 0
    ? `${formatNumber(value)} ${units.plain}`
    : `${sign}${formatNumber(size)} ${DECIMAL[step]!}${units.scaled}`;
}

export function formatBytes(bytes: number): string {
  return formatScaled(bytes, { plain: Math.abs(bytes) === 1 ? 'byte' : 'bytes', scaled: 'B' });
}

/** `850 ms`, `42 s`, `7 min 30 s`, `3 h 12 min`, `4 d 2 h`: the two largest parts. */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return 'unknown';
  if (durationMs < 0) return `−${formatDuration(-durationMs)}`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return parts(seconds, [60, 'min'], [1, 's']);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return parts(minutes, [60, 'h'], [1, 'min']);
  return parts(Math.round(minutes / 60), [24, 'd'], [1, 'h']);
}

function parts(value: number, large: readonly [number, string], small: readonly [number, string]): string {
  const whole = Math.floor(value / large[0]);
  const rest = value % large[0];
  return rest === 0 ? `${whole} ${large[1]}` : `${whole} ${large[1]} ${rest} ${small[1]}`;
}

/** `2026-11-21 02:26:10 UTC`. */
export function formatTime(timeMs: number): string {
  return `${isoTime(timeMs).slice(0, 19).replace('T', ' ')} UTC`;
}

/** Within what ClickHouse's DateTime64(3) holds, so that a broken clock's time is still a time. */
export function isoTime(timeMs: number): string {
  const inRange = Number.isFinite(timeMs) ? Math.min(Math.max(timeMs, -2_208_988_800_000), 10_413_791_999_999) : 0;
  return new Date(inRange).toISOString();
}

/** A measured value in its unit. Units of detectors are written out; a device's own unit is shown as it came. */
export function formatMeasure(value: number, unit: string): string {
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'bits/s':
      return formatScaled(value, { plain: 'bit/s', scaled: 'bit/s' });
    case 'bytes/s':
      return formatScaled(value, { plain: 'bytes/s', scaled: 'B/s' });
    case 's':
      return formatDuration(value * 1000);
    case 'ms':
      return formatDuration(value);
    case '':
    case 'ratio':
      return formatNumber(value);
    default:
      return `${formatNumber(value)} ${sanitizeText(unit, 32)}`;
  }
}

export function formatShare(share: number): string {
  return `${Math.round(Math.min(Math.max(share, 0), 1) * 100)} %`;
}

/** `617 times`, `1.4 times`; empty where there is nothing to compare with. */
export function formatTimes(observed: number, expected: number): string {
  const times = observed / expected;
  return Number.isFinite(times) && times > 0 ? `${formatNumber(Number(times.toPrecision(2)))} times` : '';
}
