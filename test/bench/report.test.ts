import { describe, expect, it } from 'vitest';
import { asJson, asTable, figure } from '../../bench/report.ts';

const RATE = { name: 'rate', unit: 'events/s', better: 'higher', values: [90, 110, 100] } as const;

describe('a figure', () => {
  it('says by a ratio above one that it is better than its peer, whichever way the unit goes', () => {
    expect(figure({ ...RATE, peer: [50, 40, 60] })).toMatchObject({ value: 100, peer: 50, ratio: 2 });
    const stall = figure({ name: 'stall', unit: 'ms', better: 'lower', values: [5], peer: [20] });
    expect(stall).toMatchObject({ value: 5, peer: 20, ratio: 4, runs: 1, spread: [5, 5] });
  });

  it('has neither peer nor ratio where nothing stands beside it', () => {
    expect(figure(RATE)).toEqual({
      name: 'rate', value: 100, unit: 'events/s', peer: null, ratio: null, runs: 3, spread: [90, 110],
    }); // prettier-ignore
  });

  it.each([
    { asks: { goal: 200, floor: 80 }, ok: true, what: 'the goal is missed and the floor is met' },
    { asks: { goal: 200, floor: 120 }, ok: false, what: 'the floor is missed' },
    { asks: { goal: 90 }, ok: true, what: 'the goal is met and there is no floor' },
    { asks: { goalRatio: 5, peer: [50] }, ok: false, what: 'the ratio is missed' },
    { asks: { goalRatio: 2, peer: [50] }, ok: true, what: 'the ratio is met' },
    { asks: { goalRatio: 2 }, ok: false, what: 'a ratio is asked for and there is no peer' },
  ])('is ok: $ok where $what', ({ asks, ok }) => {
    expect(figure({ ...RATE, ...asks }).ok).toBe(ok);
  });

  it('is judged the other way round where less is better', () => {
    const stall = { name: 'stall', unit: 'ms', better: 'lower', goal: 20, floor: 100 } as const;
    expect(figure({ ...stall, values: [90] }).ok).toBe(true);
    expect(figure({ ...stall, values: [101] }).ok).toBe(false);
  });
});

describe('a report', () => {
  const report = { title: 'Rates', figures: [figure({ ...RATE, note: 'all of it' })], leavesOut: ['nothing much'] };

  it('is as JSON one object a line with the agreed keys', () => {
    const lines = asJson({ ...report, figures: [...report.figures, figure(RATE)] }).split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(Object.keys(JSON.parse(line))).toEqual(
        expect.arrayContaining(['name', 'value', 'unit', 'peer', 'ratio', 'runs', 'spread']),
      );
  });

  it('says as a table what was measured, how often, and what is left out', () => {
    const text = asTable(report);
    expect(text).toContain('Rates (3 runs)');
    expect(text).toMatch(/rate +100 +90 +110 +events\/s/);
    expect(text).toContain('rate: all of it');
    expect(text).toContain('- nothing much');
  });
});
