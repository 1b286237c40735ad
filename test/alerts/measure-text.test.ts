import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatMeasure,
  formatNumber,
  formatTime,
  formatTimes,
} from '../../alerts/measure-text.ts';

describe('text of measures', () => {
  it.each([
    [0, '0'], [0.3149, '0.315'], [-2.5, '−2.5'], [99.96, '100'], [1597.4, '1,597'], [-12_345_678, '−12,345,678'],
    [1e21, '1.00e+21'], [1e-7, '1.00e−7'], [NaN, 'unknown'], [Infinity, '∞'],
  ])('writes number %d as %s', (value, text) => expect(formatNumber(value)).toBe(text)); // prettier-ignore

  it.each([
    [0, '0 bytes'], [1, '1 byte'], [999, '999 bytes'], [999.6, '1 kB'], [1500, '1.5 kB'], [412_345_678, '412 MB'],
    [3e18, '3,000 PB'],
  ])('writes %d bytes as %s', (value, text) => expect(formatBytes(value)).toBe(text)); // prettier-ignore

  it.each([
    [0, '0 ms'], [850, '850 ms'], [42_000, '42 s'], [59_999, '1 min'], [450_000, '7 min 30 s'], [3_600_000, '1 h'],
    [11_520_000, '3 h 12 min'], [86_400_000, '1 d'], [352_800_000, '4 d 2 h'], [-5000, '−5 s'], [NaN, 'unknown'],
  ])('writes %d ms as %s', (value, text) => expect(formatDuration(value)).toBe(text)); // prettier-ignore

  it.each([
    [12_340, 'packets/s', '12,340 packets/s'], [1.5e9, 'bits/s', '1.5 Gbit/s'], [90, 's', '1 min 30 s'],
    [0.97, 'ratio', '0.97'], [7.25, '', '7.25'], [7.25, '\u202eC°', '7.25 C°'], [5, 'x'.repeat(50), `5 ${'x'.repeat(31)}…`],
  ])('writes %d %s as %s', (value, unit, text) => expect(formatMeasure(value, unit)).toBe(text)); // prettier-ignore

  it('writes times in UTC, also those of a broken clock', () => {
    expect(formatTime(1_767_571_215_999)).toBe('2026-01-05 00:00:15 UTC');
    expect(formatTime(NaN)).toBe('1970-01-01 00:00:00 UTC');
    expect(formatTime(1e30)).toBe('2299-12-31 23:59:59 UTC');
  });

  it('compares only with what there is', () => {
    expect(formatTimes(12_340, 20)).toBe('620 times');
    expect(formatTimes(3, 0)).toBe('');
    expect(formatTimes(-3, 2)).toBe('');
  });
});
