import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Verdict } from '../../../stream/detector.ts';
import { readingRange } from '../../../stream/detectors/reading-range.ts';

const DATA = process.env['VEDETTE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
const FLAT_MIDDLE = join(DATA, 'nab/data/artificialWithAnomaly/art_daily_flatmiddle.csv');
const T0 = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;

function series(config: unknown = {}, metric = 'pressure', intervalMs = 6 * MINUTE_MS) {
  const detector = readingRange.create(readingRange.schema.parse(config));
  const state = new Float64Array(readingRange.state.slots);
  let index = 0;
  return {
    state,
    step(value: number): Verdict | undefined {
      const sample = { timeMs: T0 + index++ * intervalMs, value };
      return detector.sample(sample, state, 0, { device: 'valve-1', metric, unit: 'bar' });
    },
    run(values: readonly number[]): Verdict[] {
      return values.flatMap((value) => this.step(value) ?? []);
    },
  };
}

/** 10 to 14 in steps of one, without repeats: 10 11 12 13 14 13 12 11 … */
function swinging(count: number): number[] {
  return Array.from({ length: count }, (_, at) => 10 + [0, 1, 2, 3, 4, 3, 2, 1][at % 8]!);
}

/** A pseudo-random walk of integers about `level`, the same in every run. */
function noisy(count: number, level = 1000): number[] {
  let seed = 7;
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return level + ((seed >> 8) % 41) - 20;
  });
}

describe('reading-range: gross range', () => {
  // A day of history: range [10, 14], resolution 1, so the span counts as 8 and the bounds are 2 and 22.
  it.each([
    [22, undefined],
    [23, { observed: 23, expected: 14, ratio: 9 / 8, unit: 'bar', metric: 'pressure' }],
    [2, undefined],
    [1, { observed: 1, expected: 10, ratio: 9 / 8 }],
  ])('after a day between 10 and 14 in steps of 1, %d gives %o', (value, expected) => {
    const valve = series();
    valve.run(swinging(240));
    const verdict = valve.step(value);
    if (expected === undefined) expect(verdict).toBeUndefined();
    else expect(verdict).toMatchObject(expected);
  });

  it('allows twice the margin at half a day', () => {
    const valve = series({}, 'pressure', 3 * MINUTE_MS);
    valve.run(swinging(240));
    expect(valve.step(30)).toBeUndefined();
    expect(valve.step(30.1)).toMatchObject({ observed: 30.1 });
  });

  it('fails a value outside the configured limits from the first sample on, as QARTOD flag 4 does', () => {
    const limits = [{ metric: 'pressure', min: 0, max: 16 }];
    expect(series({ limits }).step(16)).toBeUndefined();
    expect(series({ limits }).step(16.01)).toMatchObject({ observed: 16.01, expected: 16 });
    expect(series({ limits }).step(-0.01)).toMatchObject({ expected: 0 });
    expect(series({ limits }, 'flow').step(99)).toBeUndefined();
    expect(series({ limits: [{ device: 'valve-2', metric: 'pressure', max: 16 }] }).step(99)).toBeUndefined();
  });

  it('says nothing about a constant series that moves for the first time', () => {
    expect(series().run([...Array<number>(400).fill(45), 60, 60, 0])).toEqual([]);
  });

  it('takes no part of a slow drift into the range before the turn ends', () => {
    const valve = series();
    const drift = Array.from({ length: 100 }, (_, at) => 12 + at / 4 + (at % 2));
    const first = valve.run([...swinging(250), ...drift])[0];
    expect(first).toMatchObject({ expected: 14 });
    expect(first!.observed).toBeLessThan(23.5);
  });

  it('reports a lasting fault once in five minutes, recovers after ten fine samples, and then allows for more', () => {
    const valve = series({}, 'pressure', MINUTE_MS);
    valve.run(swinging(2000));
    expect(valve.run(Array<number>(11).fill(50)).length).toBe(3);
    const back = valve.run(swinging(10));
    expect(back).toMatchObject([{ recovered: true, sinceMs: T0 + 2000 * MINUTE_MS }]);
    // The range has grown to the bound that was passed, 22; its span to 12.
    expect(valve.run([34])).toEqual([]);
    expect(valve.run([34.1])).toMatchObject([{ expected: 22 }]);
  });

  it('learns anew what has lasted a day', () => {
    const valve = series();
    valve.run(swinging(480));
    const verdicts = valve.run(noisy(241, 1000));
    expect(verdicts.at(-1)).toMatchObject({ recovered: true, summary: 'pressure has been out of the ordinary for 24 h; it is learned anew.' });
    expect(valve.run(noisy(200, 1000))).toEqual([]);
  }); // prettier-ignore
});

describe('reading-range: spike', () => {
  it('measures how far a sample stands off both neighbours, as in the Argo test: |x₁ − (x₀+x₂)/2| − |x₂ − x₀|/2', () => {
    const valve = series();
    valve.run(swinging(240)); // ends with 11
    // 9 above both neighbours, beyond 8 mean steps of 1 and within the range's margin.
    expect(valve.run([20.5, 11])).toMatchObject([{ observed: 20.5, expected: 11 }]);
  });

  it('is silent on an edge: the level stays', () => {
    const valve = series();
    valve.run(swinging(240));
    expect(valve.run([21, 20, 21, 20])).toEqual([]);
  });
});

describe('reading-range: flat line', () => {
  it('fires at 20 repeats that last 10 minutes, in a series that always moved', () => {
    const valve = series();
    valve.run(swinging(240));
    expect(valve.run(Array<number>(19).fill(12.5))).toEqual([]);
    expect(valve.step(12.5)).toMatchObject({ observed: 20, expected: 1, unit: 'samples', sinceMs: T0 + 240 * 6 * MINUTE_MS });
  }); // prettier-ignore

  it('does not fire in a series that often stands still', () => {
    const valve = series();
    const stepping = Array.from({ length: 600 }, (_, at) => 10 + (Math.floor(at / 25) % 3));
    expect(valve.run([...stepping, ...Array<number>(200).fill(12)])).toEqual([]);
  });

  it('does not fire at 1 Hz after 20 seconds', () => {
    const valve = series({}, 'pressure', 1000);
    expect(valve.run([...swinging(240), ...Array<number>(500).fill(12)])).toEqual([]);
    expect(valve.run(Array<number>(200).fill(12)).length).toBe(1);
  });

  it.skipIf(!existsSync(FLAT_MIDDLE))('finds the flat day of NAB (skipped without the data folder)', () => {
    const detector = readingRange.create(readingRange.schema.parse({}));
    const state = new Float64Array(readingRange.state.slots);
    const context = { device: 'art', metric: 'value', unit: '' };
    const found = readFileSync(FLAT_MIDDLE, 'utf8').trim().split('\n').slice(1).flatMap((line) => {
      const sample = { timeMs: Date.parse(`${line.slice(0, 19).replace(' ', 'T')}Z`), value: Number(line.slice(20)) };
      return detector.sample(sample, state, 0, context) ?? [];
    }); // prettier-ignore
    expect(new Set(found.map((verdict) => new Date(verdict.sinceMs).toISOString().slice(0, 10)))).toEqual(
      new Set(['2014-04-11']),
    );
  });
});

describe('reading-range', () => {
  it('stays quiet on pumps that switch on and off, once it has seen them do so', () => {
    const pump = Array.from({ length: 2000 }, (_, at) => (Math.floor(at / 97) % 2 === 0 ? 0 : 88) + (at % 5));
    expect(series().run(pump)).toEqual([]);
  });

  it('rejects an unknown key by its name, also within the limits', () => {
    expect(() => readingRange.schema.parse({ margins: 2 })).toThrow(/margins/);
    expect(() => readingRange.schema.parse({ limits: [{ metric: 'ph', maximum: 14 }] })).toThrow(/maximum/);
  });

  it('gives the same verdicts for a series in another unit', () => {
    const values = [
      ...noisy(300),
      2000,
      ...noisy(40),
      ...Array<number>(40).fill(1000),
      ...noisy(40),
      1090,
      ...noisy(9),
    ];
    const kinds = (scale: number, shift: number) =>
      series().run(values.map((value) => value * scale + shift)).map(({ sinceMs, ratio }) => [sinceMs, ratio]); // prettier-ignore
    const expected = kinds(1, 0);
    expect(expected.length).toBeGreaterThan(2);
    fc.assert(
      fc.property(fc.integer({ min: -8, max: 8 }), fc.integer({ min: -5000, max: 5000 }), fc.boolean(), (power, shift, isTurned) => {
        const scale = 2 ** power * (isTurned ? -1 : 1);
        expect(kinds(scale, shift * Math.abs(scale))).toEqual(expected);
      }),
      { numRuns: 20 },
    ); // prettier-ignore
  });

  it('passes over what is not finite', () => {
    const odd = series();
    const clean = series();
    clean.run(noisy(300));
    odd.run(noisy(300));
    const before = [...odd.state];
    expect(odd.run([NaN, Infinity, -Infinity])).toEqual([]);
    expect([...odd.state]).toEqual(before);
    expect(before).toEqual([...clean.state]);
  });
});
