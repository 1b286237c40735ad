import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownSeconds, parseStat, processorSeconds, quantile, summarise } from '../../bench/measure.ts';

describe('processor time', () => {
  it('reads the parent and the sum of user and system time out of /proc/PID/stat', () => {
    const text = '4242 (node (worker) x) S 17 4242 4242 0 -1 4194304 9999 0 0 0 250 50 7 8 20 0 11 0 12345 1000 200';
    expect(parseStat(text)).toEqual({ parent: 17, seconds: 3 });
  });

  it('grows with the work that this process does', async () => {
    const before = processorSeconds();
    let sum = 0;
    const seconds = await ownSeconds(() => {
      for (const until = performance.now() + 50; performance.now() < until;) sum++;
    });
    expect(sum).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThan(0.01);
    expect(processorSeconds().own - before.own).toBeGreaterThanOrEqual(seconds * 0.99);
  });
});

describe('summaries', () => {
  it.each([
    { values: [3, 1, 2], median: 2, spread: [1, 3] },
    { values: [4, 1, 3, 2], median: 2.5, spread: [1, 4] },
    { values: [7], median: 7, spread: [7, 7] },
  ])('gives the middle and the extremes of $values', ({ values, median, spread }) => {
    expect(summarise(values)).toEqual({ median, spread });
  });

  it('gives as a quantile the smallest value with at least that share at or below it', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 1)).toBe(100);
    expect(quantile([5], 0.01)).toBe(5);
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, at) => {
          const found = quantile(values, at);
          expect(values.filter((value) => value <= found).length / values.length).toBeGreaterThanOrEqual(at);
          expect(values).toContain(found);
        },
      ),
    );
  });
});
