import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanCount, scanDecimal } from '../../../ingest/decoders/scan-number.ts';
import { scanIsoMicros, scanIsoMs, scanSecondsMicros } from '../../../ingest/decoders/scan-time.ts';

function over(scan: (bytes: Uint8Array, start: number, end: number) => number): (text: string) => number {
  return (text) => scan(Buffer.from(`7${text}7`), 1, 1 + Buffer.byteLength(text));
}
const decimal = over(scanDecimal);
const count = over(scanCount);
const seconds = over(scanSecondsMicros);
const iso = over(scanIsoMicros);

describe('numbers read out of bytes', () => {
  it('decimals are what JavaScript makes of the same text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(decimal(String(value))).toBe(Number(String(value)));
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^-?\d{1,18}(\.\d{1,12})?$/), (text) => {
        expect(decimal(text)).toBe(Number(text));
      }),
    );
  });

  it.each(['', '-', '.', '1.', '.5', '1e', '0x10', ' 1', '1 ', '+1', 'NaN', 'Infinity', '1e999', '1_0', '1,5'])(
    'decimal %j is none',
    (text) => {
      expect(decimal(text)).toBeNaN();
    },
  );

  it('counts are whole numbers up to 2^53 − 1', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (value) => count(String(value)) === value));
    expect([count('12.0'), count('1e3'), count('-0')]).toEqual([12, 1000, 0]);
    expect(['', '-1', '1.5', '9007199254740992', '1e999', 'x'].map(count)).toEqual([-1, -1, -1, -1, -1, -1]);
  });

  it('seconds become microseconds, cut off below', () => {
    expect(seconds('1700000000.1234569')).toBe(1700000000123456);
    expect(seconds('1700000000')).toBe(1700000000000000);
    expect(seconds('0.5')).toBe(500000);
    expect(seconds('9.5367431640625e-07')).toBe(0);
    expect(seconds('-1.5')).toBe(-1500000);
    expect(seconds('1.')).toBeNaN();
    expect(seconds('1e999')).toBeNaN();
  });
});

describe('ISO 8601 times read out of bytes', () => {
  it('are what Date.parse makes of the same text, to the microsecond', () => {
    const date = fc.date({ min: new Date('1700-01-01'), max: new Date('2250-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(date, fc.nat(999), (value, micros) => {
        const text = value.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
        expect(iso(text)).toBe(value.getTime() * 1000 + micros);
      }),
    );
  });

  it.each([
    ['2026-03-01T12:00:00+02:30', '2026-03-01T09:30:00Z'],
    ['2026-03-01T12:00:00-0230', '2026-03-01T14:30:00Z'],
    ['2026-03-01 12:00:00', '2026-03-01T12:00:00Z'],
    ['2026-03-01t12:00z', '2026-03-01T12:00:00Z'],
    ['2026-03-01', '2026-03-01T00:00:00Z'],
    ['2026-03-01T12:00:00,5+01', '2026-03-01T11:00:00.500Z'],
    ['2024-02-29T23:59:60Z', '2024-03-01T00:00:00Z'],
  ])('%s is %s', (text, expected) => {
    expect(over(scanIsoMs)(text)).toBe(Date.parse(expected));
  });

  it.each([
    '2026-02-29T00:00:00Z', '2026-13-01', '2026-00-01', '2026-01-00', '2026-1-1', '2026-01-01T24:00:00Z', '2026-01-01T00:60Z',
    '2026-01-01T00:00:61Z', '2026-01-01T00:00:00.Z', '2026-01-01T00:00:00+1', '2026-01-01T00:00:00X', '2026-01-01T0', '26-01-01',
    '2026-01-01T00:00:0', 'yesterday', '',
  ])('%j is none', (text) => {
    expect(iso(text)).toBeNaN();
  }); // prettier-ignore
});
