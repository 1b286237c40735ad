import { describe, expect, it } from 'vitest';
import { boundText, falseAlarmFigure, recallFigures } from '../../bench/quality/figures.ts';
import { intervalsOf } from '../../bench/quality/labels.ts';
import { uploadFlows } from '../../bench/quality/exfiltration.ts';
import { skipped, toJson, toTable } from '../../bench/quality/report.ts';
import { Random } from '../../sample/random.ts';

const truth = { entity: 'pump', family: 'data-corruption', startMs: 0, endMs: 1 } as const;

describe('figures', () => {
  it('give recall over all cases and the median delay of those found', () => {
    const outcomes = [7000, undefined, 9000, 30_000].map((delayMs) => ({ truth, delayMs }));
    const [recall, delay] = recallFigures('x', outcomes, { note: 'n', least: 0.9 });
    expect(recall).toMatchObject({ name: 'x.recall', value: 0.75, runs: 4, ok: false, limit: '>= 0.9' });
    expect(delay).toMatchObject({ name: 'x.delay', value: 9, unit: 's', runs: 3, spread: [7, 30] });
  });

  it('leave the delay out where nothing was found', () => {
    expect(recallFigures('x', [{ truth, delayMs: undefined }], { note: '' })).toHaveLength(1);
  });

  it('hold false alarms against ten times the budget, and say where there was too little to tell', () => {
    expect(falseAlarmFigure('x', [], 10, '')).toMatchObject({ value: 0, ok: true });
    expect(boundText(0, 10, 0.01)).toBe(
      '0 in 10 entity-days, at most 0.3 a day at 95 %, too few days to show that the limit is kept',
    );
    expect(boundText(0, 1000, 0.01)).toBe('0 in 1000 entity-days, at most 0.003 a day at 95 %');
    expect(falseAlarmFigure('x', [], 0, '')).toMatchObject({ value: null, skipped: 'nothing was watched' });
  });
});

describe('the report', () => {
  it('is one JSON object a figure, numbers to four digits', () => {
    const figure = { name: 'a', value: 1 / 3, unit: 'share', runs: 3, note: 'n' };
    expect(toJson(figure)).toBe('{"name":"a","value":0.3333,"unit":"share","runs":3,"note":"n"}');
  });

  it('says what was skipped, and why', () => {
    expect(JSON.parse(toJson(skipped('a', 'no data')))).toMatchObject({ value: null, skipped: 'no data' });
    expect(toTable([skipped('a', 'no data')])).toMatch(/a +skipped .* no data$/);
  });
});

describe('labels', () => {
  it('become intervals from the first to the last point of each run', () => {
    const flags = [0, 1, 1, 0, 0, 1, 0, 1];
    expect(intervalsOf(flags.map((flag, i) => ({ timeMs: i, isAnomalous: flag === 1 })))).toEqual([
      { startMs: 1, endMs: 2 },
      { startMs: 5, endMs: 5 },
      { startMs: 7, endMs: 7 },
    ]);
  });
});

describe('an injected upload', () => {
  it('is 4 to 8 connections one after the other that carry the size within the time', () => {
    for (let seed = 0; seed < 20; seed++) {
      const place = { host: '10.0.0.1', peer: '203.0.113.1', atMs: 1000 };
      const flows = uploadFlows({ sizeMb: 100, minutes: 10 }, place, new Random(seed));
      const last = flows.at(-1)!;
      expect(flows.length).toBeGreaterThanOrEqual(4);
      expect(flows.length).toBeLessThanOrEqual(8);
      expect(flows.reduce((sum, { originBytes }) => sum + originBytes, 0) / 1e6).toBeCloseTo(100, 4);
      expect(last.startMs + last.durationMs).toBeLessThanOrEqual(1000 + 600_000);
      flows.slice(1).forEach((flow, i) => expect(flow.startMs).toBeGreaterThan(flows[i]!.startMs));
    }
  });
});
