import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Verdict } from '../../../stream/detector.ts';
import { rateCusum } from '../../../stream/detectors/rate-cusum.ts';

const MINUTE_MS = 60_000;
const T0 = Date.UTC(2026, 0, 5);
const QUIET = {
  packets: 0, bytes: 0, synOnly: 0, sources: 1, ratePackets: 0, rateBytes: 0, udpPackets: 0, icmpPackets: 0,
  amplificationPackets: 0,
}; // prettier-ignore

function target(config: unknown = {}) {
  const { minute } = rateCusum.create(rateCusum.schema.parse(config));
  const state = new Float64Array(rateCusum.state.slots.length);
  let index = 0;
  return {
    state,
    skip: (minutes: number): void => void (index += minutes),
    step(flows: number): Verdict | undefined {
      return minute?.({ ...QUIET, flows }, T0 + index++ * MINUTE_MS, state, 0, { entity: '192.0.2.1', group: '' });
    },
    /** Minutes (from now) that alarm. */
    run(flowsByMinute: readonly number[]): number[] {
      return flowsByMinute.flatMap((flows, at) => (this.step(flows) === undefined ? [] : [at]));
    },
  };
}

/** About `level` flows a minute, up and down by a tenth, the same in every run. */
function steady(level: number, minutes: number): number[] {
  return Array.from({ length: minutes }, (_, at) => Math.round(level * (1 + 0.1 * Math.sin(at * 2.4))));
}

/** A server with the rhythm of an office: `night` flows a minute, rising to `day` within `rampMinutes` from 8:00. */
function officeDay(night: number, day: number, rampMinutes: number): number[] {
  return Array.from({ length: 1440 }, (_, at) => {
    const share = Math.max(0, Math.min(1, (at - 480) / rampMinutes, (1080 + rampMinutes - at) / rampMinutes));
    return Math.round(Math.exp(Math.log(night) + share * Math.log(day / night)) * (1 + 0.1 * Math.sin(at * 2.4)));
  });
}

describe('rate-cusum', () => {
  it('alarms in the third minute of a flood of ten times the rate', () => {
    const busy = target();
    expect(busy.run(steady(1200, 300))).toEqual([]); // 20 flows/s
    // ln 10 = 2.3 over σ 0.5 is 4.6 σ, clipped to 4; each adds 3: 3, 6, 9 > 8.
    expect(busy.run([12_000, 12_000])).toEqual([]);
    const verdict = busy.step(12_000);
    expect(verdict).toMatchObject({ observed: 200, unit: 'flows/s', sinceMs: T0 + 300 * MINUTE_MS });
    expect(verdict?.summary).toMatch(/^Raised for 3 minutes: 200 flows\/s, usual 20\/s/);
    expect(verdict?.expected).toBeCloseTo(20, 0);
    expect(verdict?.ratio).toBeCloseTo(12_000 / (5 * 60 * verdict!.expected), 6);
  });

  it('says nothing in the first 30 minutes', () => {
    const young = target();
    young.run(steady(1200, 20));
    expect(young.run(steady(20_000, 9))).toEqual([]);
  });

  it('does not take a workstation or a small server for flooded', () => {
    const small = target();
    small.run(steady(5, 300));
    expect(small.run(steady(1500, 60))).toEqual([]); // 300 times, but 25 flows/s
  });

  it('holds while it lasts, learns nothing from it, and is over as soon as it is over', () => {
    const busy = target();
    busy.run(steady(1200, 300));
    const level = busy.state[3];
    expect(busy.run(steady(20_000, 300))).toEqual(Array.from({ length: 298 }, (_, at) => at + 2));
    expect(Math.abs(busy.state[3]! - level!)).toBeLessThan(0.02);
    expect(busy.run(steady(1200, 300))).toEqual([]);
    expect(busy.state[8]).toBe(0);
  });

  it('accepts the new level after six hours, and says so', () => {
    const grown = target();
    grown.run(steady(1200, 300));
    const verdicts = steady(20_000, 500).map((flows) => grown.step(flows));
    const last = verdicts.findLast((verdict) => verdict !== undefined);
    // Stands still from the second minute on, when S⁺ = 6 > h/2.
    expect(verdicts.indexOf(last)).toBe(361);
    expect(last).toMatchObject({ recovered: true, summary: expect.stringContaining('accepted as usual') });
    expect(verdicts.filter((verdict) => verdict?.recovered)).toHaveLength(1);
    expect(Math.expm1(grown.state[3]!) / 20_000).toBeCloseTo(1, 1);
  });

  it('is quiet through the mornings of an office server, the first as well', () => {
    const office = target();
    expect(office.run(Array.from({ length: 3 }, () => officeDay(60, 6000, 60)).flat())).toEqual([]);
    // The same server flooded at noon with ten times its day.
    office.run(officeDay(60, 6000, 60).slice(0, 720));
    expect(office.run(steady(60_000, 10))[0]).toBeLessThan(8);
  });

  it('is not led to a higher level by an attacker who takes six hours', () => {
    const patient = target();
    patient.run(Array.from({ length: 3 }, () => steady(1200, 1440)).flat());
    const ramp = Array.from({ length: 360 }, (_, at) => Math.round(1200 * Math.exp((at / 360) * Math.log(500))));
    const caught = patient.run(ramp)[0];
    expect(ramp[caught ?? 359]).toBeLessThan(210_000); // the ceiling of 3,500 flows/s
  });

  it('counts nothing for minutes without flows, and begins anew after ten of them', () => {
    const gappy = target();
    gappy.run(steady(1200, 300));
    gappy.run([12_000, 12_000]);
    gappy.skip(9);
    expect(gappy.step(12_000)).toBeDefined();
    const other = target();
    other.run(steady(1200, 300));
    other.run([12_000, 12_000]);
    other.skip(10);
    expect(other.step(12_000)).toBeUndefined();
  });

  it('whitens: a residual that only carries on the last one adds nothing', () => {
    const one = target();
    const { state } = one;
    one.run(steady(1200, 40));
    state[3] = Math.log1p(1000); // level
    state[4] = 0; // σ = floor 0.5
    state[5] = 0.5; // φ = 0.5/1
    state[6] = 1;
    state[7] = 2; // r before
    state[8] = 0;
    one.step(Math.round(Math.expm1(Math.log1p(1000) + 1.75))); // r = 1.75, e = 1.75 − 0.5·2 = 0.75, z = 1.5, S = 0.5
    expect(state[8]).toBeCloseTo(0.5, 2);
  });

  it('reports a fall of an always busy target where asked to, and only then', () => {
    const days = steady(6000, 1500);
    const asked = target({ outages: 'reported' });
    asked.run(days);
    const verdicts = steady(300, 5).map((flows) => asked.step(flows));
    expect(verdicts.find(Boolean)?.summary).toMatch(/^Fallen for 3 minutes: 4.5 flows\/s, usual 100\/s/);
    const silent = target();
    silent.run(days);
    expect(silent.run(steady(300, 5))).toEqual([]);
    const seldom = target({ outages: 'reported' });
    for (const flows of steady(6000, 1500)) {
      seldom.step(flows);
      seldom.skip(1);
    }
    expect(seldom.run(steady(300, 5))).toEqual([]);
  });

  it('never un-fires when more flows come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3000), { minLength: 35, maxLength: 60 }),
        fc.nat(60_000),
        fc.nat(60_000),
        (past, now, more) => {
          const fires = (flows: number): boolean => {
            const one = target();
            one.run(past);
            one.run([12_000, 12_000, 12_000]);
            return one.step(flows) !== undefined;
          };
          expect(!fires(now) || fires(now + more)).toBe(true);
        },
      ),
    );
  });

  it('names the key that it does not know', () => {
    expect(() => rateCusum.schema.parse({ h: 8 })).toThrow(/"h"/);
  });
});
