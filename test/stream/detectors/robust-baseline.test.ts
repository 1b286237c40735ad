import { describe, expect, it } from 'vitest';

import { learn, learningRate, scaleOf } from '../../../stream/detectors/robust-baseline.ts';

describe('robust baseline', () => {
  it('begins as a running mean and ends as slow forgetting', () => {
    expect([0, 1, 3, 99, 500].map((before) => learningRate(before, 0.01))).toEqual([1, 0.5, 0.25, 0.01, 0.01]);
  });

  it('turns MAD into σ between its bounds', () => {
    // MAD of a standard normal is 0.67449, and 1.4826 · 0.67449 = 1.
    expect(scaleOf(0.67449, { floor: 0.5, ceiling: 1.5 })).toBeCloseTo(1, 4);
    expect(scaleOf(0, { floor: 0.5, ceiling: 1.5 })).toBe(0.5);
    expect(scaleOf(9, { floor: 0.5, ceiling: 1.5 })).toBe(1.5);
  });

  it('averages the first four windows whole, and clips the fifth at one scale', () => {
    expect(learn(0, 10, { rate: 0.25, scale: 0.5, windowsBefore: 3 })).toBe(2.5);
    expect(learn(0, 10, { rate: 0.2, scale: 0.5, windowsBefore: 4 })).toBe(0.1);
    expect(learn(0, -10, { rate: 0.2, scale: 0.5, windowsBefore: 4 })).toBe(-0.1);
    expect(learn(0, 0.3, { rate: 0.2, scale: 0.5, windowsBefore: 4 })).toBeCloseTo(0.06, 12);
  });

  it('stays near the median where one window in ten is a thousand times the rest', () => {
    let location = 0;
    for (let window = 0; window < 1000; window++) {
      const value = window % 10 === 9 ? 17 : 10 + ((window * 7) % 5) * 0.1;
      location = learn(location, value, { rate: learningRate(window, 0.01), scale: 0.5, windowsBefore: window });
    }
    expect(Math.abs(location - 10.2)).toBeLessThan(0.15); // the mean is 10.88
  });
});
