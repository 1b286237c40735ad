import { describe, expect, it } from 'vitest';

import { cusumStep } from '../../../stream/detectors/cusum.ts';

/** Standard normal numbers, the same in every run (mulberry32, Box–Muller). */
function normals(seed: number): () => number {
  let a = seed;
  const uniform = (): number => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Mean samples to an alarm from S = 0. */
function runLength(about: { drift: number; threshold: number; shift: number; runs: number; sides: 1 | 2 }): number {
  const next = normals(7);
  let steps = 0;
  for (let run = 0; run < about.runs; run++) {
    let high = 0;
    let low = 0;
    while (high <= about.threshold && low <= about.threshold) {
      const z = next() + about.shift;
      high = cusumStep(high, z, about.drift);
      if (about.sides === 2) low = cusumStep(low, -z, about.drift);
      steps++;
    }
  }
  return steps / about.runs;
}

/** D. Siegmund, "Sequential Analysis", 1985: approximate ARL of a one-sided CUSUM at a shift, with Δ = shift − k. */
function siegmund(drift: number, threshold: number, shift: number): number {
  const delta = shift - drift;
  const b = threshold + 1.166;
  return (Math.exp(-2 * delta * b) + 2 * delta * b - 1) / (2 * delta * delta);
}

describe('cusum', () => {
  it('sums what is over the drift, and never goes below zero', () => {
    expect([2, 2, -3, -9, 1.5].reduce<number[]>((s, z) => [...s, cusumStep(s.at(-1) ?? 0, z, 1)], [])).toEqual([
      1, 2, 0, 0, 0.5,
    ]);
  });

  it('has the run lengths of the NIST/SEMATECH e-Handbook (6.3.2.3) at k = 0.5, h = 4', () => {
    // In control: 336 one-sided, 168 two-sided; at a shift of 1 σ 8.38. 4,000 runs: standard error 1.6 %.
    const design = { drift: 0.5, threshold: 4, runs: 4_000 };
    expect(Math.abs(runLength({ ...design, shift: 0, sides: 1 }) / 336 - 1)).toBeLessThan(0.05);
    expect(Math.abs(runLength({ ...design, shift: 0, sides: 2 }) / 168 - 1)).toBeLessThan(0.05);
    expect(Math.abs(runLength({ ...design, shift: 1, sides: 2 }) / 8.38 - 1)).toBeLessThan(0.03);
  });

  it.each([
    [2, 8.67],
    [3, 4.46],
    [5, 2.26],
  ])('at k = 1, h = 8 sees a shift of %d σ after as long as Siegmund gives, %d samples', (shift, expected) => {
    expect(siegmund(1, 8, shift)).toBeCloseTo(expected, 2);
    expect(runLength({ drift: 1, threshold: 8, shift, runs: 4_000, sides: 1 })).toBeCloseTo(expected, 0);
  });

  it('at k = 1, h = 8 alarms falsely once in about 2·10⁷ samples with both sides, by Siegmund', () => {
    // Δ = −1, b = 9.166: (e^18.332 − 18.332 − 1)/2 = 4.6·10⁷ a side.
    expect(siegmund(1, 8, 0) / 2).toBeGreaterThan(2e7);
    expect(siegmund(1, 8, 0) / 2).toBeLessThan(2.5e7);
  });
});
