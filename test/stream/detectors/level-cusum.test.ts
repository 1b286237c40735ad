import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Verdict } from '../../../stream/detector.ts';
import { levelCusum } from '../../../stream/detectors/level-cusum.ts';

const DATA = process.env['VEDETTE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
const SKAB = join(DATA, 'skab');
const T0 = Date.UTC(2026, 0, 5);
const SECOND_MS = 1000;

function series(config: unknown = {}, intervalMs = SECOND_MS) {
  const detector = levelCusum.create(levelCusum.schema.parse(config));
  const state = new Float64Array(levelCusum.state.slots);
  let index = 0;
  return {
    state,
    run(values: readonly number[]): (Verdict & { at: number })[] {
      return values.flatMap((value, at) => {
        const sample = { timeMs: T0 + index++ * intervalMs, value };
        const verdict = detector.sample(sample, state, 0, { device: 'valve-1', metric: 'flow', unit: 'm3/h' });
        return verdict === undefined ? [] : [{ ...verdict, at }];
      });
    },
  };
}

/** Blocks of ten equal samples, one below and one above the level in turn. */
function alternating(blocks: number, level = 100, swing = 1): number[] {
  return Array.from({ length: blocks * 10 }, (_, at) => level + (Math.floor(at / 10) % 2 === 0 ? -swing : swing));
}

describe('level-cusum', () => {
  it('alarms in the fifth block of a shift beyond 4σ: each counts 4 − k = 3, and 15 is the first sum above h = 12', () => {
    const valve = series();
    expect(valve.run(alternating(60))).toEqual([]);
    const found = valve.run(Array<number>(60).fill(120));
    expect(found).toMatchObject([{ at: 49, observed: 120, ratio: 15 / 12, sinceMs: T0 + 609 * SECOND_MS }]);
    // The mean moved by 1/61 and 1/62 of the way before the sum passed half of h and it stood still.
    expect(found[0]!.expected).toBeCloseTo(100 + 20 * (1 / 61 + 60 / 61 / 62), 1);
    expect(found[0]!.summary).toMatch(/^flow has averaged 120 m3\/h, lastingly above its level of \d+\.\d+ m3\/h\.$/);
  });

  it('sees a fall as well', () => {
    const valve = series();
    valve.run(alternating(60));
    expect(valve.run(Array<number>(60).fill(80))).toMatchObject([{ at: 49, observed: 80 }]);
  });

  it('recovers when the level is back', () => {
    const valve = series();
    valve.run(alternating(60));
    valve.run(Array<number>(60).fill(120));
    const back = valve.run(alternating(30));
    expect(back.at(-1)).toMatchObject({ recovered: true, summary: 'flow is back at its level.' });
  });

  it('accepts a level that has stayed for six hours', () => {
    const valve = series({}, 60 * SECOND_MS);
    valve.run(alternating(400));
    const found = valve.run(alternating(60, 150));
    expect(found.at(-1)).toMatchObject({ recovered: true });
    expect(found.at(-1)!.summary).toContain('accepted as normal');
    expect(valve.run(alternating(200, 150))).toEqual([]);
  });

  it('lets a young series climb slowly, as days do', () => {
    const morning = Array.from(
      { length: 1500 },
      (_, at) => 100 + Math.max(0, at - 600) / 30 + (Math.floor(at / 10) % 2),
    );
    expect(series({}, 30 * SECOND_MS).run(morning)).toEqual([]);
  });

  it('holds an excursion against those of the past: pumps that switch stay quiet', () => {
    const pump = Array.from(
      { length: 30_000 },
      (_, at) => ((at + 13 * Math.floor(at / 700)) % 180 < 50 ? 88 : 0) + (at % 3),
    );
    expect(series({}, 30 * SECOND_MS).run(pump)).toEqual([]);
  });

  it('says nothing about a constant series, or one that has hardly crossed its mean', () => {
    expect(series().run([...Array<number>(2000).fill(5), ...Array<number>(500).fill(9)])).toEqual([]);
    const steps = Array.from({ length: 3000 }, (_, at) => Math.floor(at / 300));
    expect(series().run(steps)).toEqual([]);
  });

  it('rejects an unknown key by its name', () => {
    expect(() => levelCusum.schema.parse({ sigma: 3 })).toThrow(/sigma/);
  });

  it('gives the same verdicts for a series in another unit', () => {
    const values = [...alternating(70, 1024, 8), ...Array<number>(80).fill(1200), ...alternating(40, 1024, 8)];
    const config = { block: 8 };
    const shape = (scale: number, shift: number) =>
      series(config).run(values.map((value) => value * scale + shift)).map(({ at, sinceMs }) => [at, sinceMs]); // prettier-ignore
    const expected = shape(1, 0);
    expect(expected.length).toBeGreaterThan(1);
    fc.assert(
      fc.property(fc.integer({ min: -6, max: 6 }), fc.integer({ min: -64, max: 64 }), fc.boolean(), (power, shift, isTurned) => {
        const scale = 2 ** power * (isTurned ? -1 : 1);
        expect(shape(scale, 64 * shift * Math.abs(scale))).toEqual(expected);
      }),
      { numRuns: 15 },
    ); // prettier-ignore
  });

  it('passes over what is not finite', () => {
    const valve = series();
    valve.run(alternating(40));
    const before = [...valve.state];
    expect(valve.run([NaN, Infinity, -Infinity])).toEqual([]);
    expect([...valve.state]).toEqual(before);
  });

  describe.skipIf(!existsSync(SKAB))('on SKAB (skipped without the data folder)', () => {
    /** Seconds at which any of the eight sensors alarms, and the labelled seconds. */
    function judge(file: string) {
      const rows = readFileSync(join(SKAB, file), 'utf8').trim().split('\n').slice(1).map((line) => line.split(';')); // prettier-ignore
      const alarms = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((column) => series().run(rows.map((row) => Number(row[column]))));
      const labelled = new Set(rows.flatMap((row, at) => (Number(row[9]) === 1 ? [at] : [])));
      return { alarms: alarms.filter(({ recovered }) => recovered === undefined), labelled };
    }

    it('finds the closing valve of run 15', () => {
      const { alarms, labelled } = judge('valve1/15.csv');
      expect(alarms.some(({ at }) => labelled.has(at))).toBe(true);
    });

    it('stays quiet on the anomaly-free run', () => {
      expect(judge('anomaly-free/anomaly-free.csv').alarms).toEqual([]);
    });
  });
});
