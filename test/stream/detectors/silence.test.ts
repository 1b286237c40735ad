import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { silence } from '../../../stream/detectors/silence.ts';

const DATA = process.env['VEDETTE_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
const NAB = join(DATA, 'nab/data/realTraffic');
const T0 = Date.UTC(2026, 0, 5);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function device(options: { isOnRoster?: boolean; config?: unknown } = {}) {
  const detector = silence.create(silence.schema.parse(options.config ?? {}));
  const state = new Float64Array(silence.state.slots);
  const context = { device: 'pump-1', isOnRoster: options.isOnRoster ?? false };
  return {
    state,
    beat: (timeMs: number) => detector.beat(timeMs, state, 0, context),
    deadline: () => detector.deadline(state, 0, context),
    silent: (nowMs: number) => detector.silent(nowMs, state, 0, context),
    /** Beats at these times; gives the silences as [since, deadline]. */
    run(times: Iterable<number>): [number, number][] {
      const found: [number, number][] = [];
      for (const timeMs of times) {
        const deadline = this.deadline();
        if (timeMs > deadline) found.push([this.silent(deadline).sinceMs, deadline]);
        this.beat(timeMs);
      }
      return found;
    },
  };
}

function* every(intervalMs: number, count: number, fromMs = T0): Generator<number> {
  for (let index = 0; index < count; index++) yield fromMs + index * intervalMs;
}

describe('silence', () => {
  it('gives a regular reporter of the roster 6.94 intervals: the gamma quantile of 10⁻⁸ at σ = μ/2', () => {
    const pump = device({ isOnRoster: true });
    pump.run(every(MINUTE_MS, 31));
    // a = 4, u = 5.6120: (1 − 1/36 + 5.6120/6)³ = 1.90755³ = 6.9412
    expect((pump.deadline() - T0 - 30 * MINUTE_MS) / MINUTE_MS).toBeCloseTo(6.9412, 3);
  });

  it('is on the safe side of the exponential form where σ = μ: 21.0 instead of 8·ln 10 = 18.4 intervals', () => {
    const pump = device({ isOnRoster: true, config: { minSpread: 1 } });
    pump.run(every(MINUTE_MS, 31));
    const intervals = (pump.deadline() - T0 - 30 * MINUTE_MS) / MINUTE_MS;
    expect(intervals).toBeGreaterThan(8 * Math.LN10);
    expect(intervals).toBeCloseTo((1 - 1 / 9 + 5.612 / 3) ** 3, 2);
  });

  it('does not watch a device off the roster before 100 gaps and a day', () => {
    const pump = device();
    pump.run(every(MINUTE_MS, 1440));
    expect(pump.deadline()).toBe(Infinity);
    pump.run(every(MINUTE_MS, 2, T0 + 1440 * MINUTE_MS));
    expect(pump.deadline()).toBeLessThan(Infinity);
  });

  it('does not watch a workstation that is off every night', () => {
    const workstation = device();
    for (let day = 0; day < 20; day++) {
      expect(workstation.run(every(5 * MINUTE_MS, 120, T0 + day * 24 * HOUR_MS + 8 * HOUR_MS))).toEqual([]);
    }
    expect(workstation.deadline()).toBe(Infinity);
  });

  it('allows twice the longest of the last 500 gaps', () => {
    const pump = device({ isOnRoster: true });
    pump.run(every(MINUTE_MS, 200));
    pump.run(every(MINUTE_MS, 200, T0 + 199 * MINUTE_MS + 6 * MINUTE_MS));
    expect(pump.deadline() - (T0 + 404 * MINUTE_MS)).toBe(12 * MINUTE_MS);
    pump.run(every(MINUTE_MS, 501, T0 + 405 * MINUTE_MS));
    expect(pump.deadline() - (T0 + 905 * MINUTE_MS)).toBeLessThan(8 * MINUTE_MS);
  });

  it('takes several readings of one instant as one beat', () => {
    const once = device({ isOnRoster: true });
    const thrice = device({ isOnRoster: true });
    once.run(every(MINUTE_MS, 40));
    thrice.run([...every(MINUTE_MS, 40)].flatMap((timeMs) => [timeMs, timeMs, timeMs]));
    expect([...thrice.state]).toEqual([...once.state]);
  });

  it('says when the silence began, raises it once, and recovers with the first beat', () => {
    const pump = device({ isOnRoster: true });
    pump.run(every(MINUTE_MS, 61));
    const deadline = pump.deadline();
    const verdict = pump.silent(deadline);
    expect(verdict).toMatchObject({ detector: 'silence', expected: 60, sinceMs: T0 + 60 * MINUTE_MS, ratio: 1 });
    expect(verdict.basis).toContain('φ = 8.0');
    expect(pump.deadline()).toBe(Infinity);
    const back = pump.beat(T0 + 180 * MINUTE_MS);
    expect(back).toMatchObject({ recovered: true, observed: 7200, summary: 'Reports again after 2 h of silence.' });
    expect(pump.beat(T0 + 181 * MINUTE_MS)).toBeUndefined();
  });

  it('gives a device that keeps failing twice as long the next time', () => {
    const pump = device({ isOnRoster: true });
    pump.run(every(MINUTE_MS, 61));
    const firstMs = pump.deadline() - (T0 + 60 * MINUTE_MS);
    pump.silent(pump.deadline());
    pump.beat(T0 + 180 * MINUTE_MS);
    expect(pump.deadline() - (T0 + 180 * MINUTE_MS)).toBeGreaterThanOrEqual(2 * firstMs);
  });

  it('rejects an unknown key by its name', () => {
    expect(() => silence.schema.parse({ phi: 8 })).toThrow(/phi/);
  });

  it('keeps finite state and a deadline after the last beat, whatever the gaps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10 * HOUR_MS }), { minLength: 1, maxLength: 200 }), (gaps) => {
        const pump = device({ isOnRoster: true });
        let timeMs = T0;
        for (const gap of gaps) {
          timeMs += gap;
          pump.beat(timeMs);
          pump.beat(NaN);
          expect(pump.deadline()).toBeGreaterThan(timeMs);
        }
        expect(pump.state.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  describe.skipIf(!existsSync(NAB))('on NAB traffic sensors (skipped without the data folder)', () => {
    const times = (name: string): number[] =>
      readFileSync(join(NAB, `${name}.csv`), 'utf8').trim().split('\n').slice(1)
        .map((line) => Date.parse(`${line.slice(0, 19).replace(' ', 'T')}Z`)); // prettier-ignore

    it.each(['speed_6005', 'occupancy_6005'])('finds the outage of %s, and no other', (name) => {
      const found = device().run(times(name));
      expect(found.map(([since]) => new Date(since).toISOString())).toEqual(['2015-09-04T22:41:00.000Z']);
      expect(found[0]![1]).toBeLessThan(Date.UTC(2015, 8, 5, 2));
    });

    it.each(['TravelTime_387', 'speed_7578'])('stays quiet on %s, which is irregular by nature', (name) => {
      expect(device().run(times(name))).toEqual([]);
    });
  });
});
