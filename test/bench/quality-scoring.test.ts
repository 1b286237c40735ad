import { describe, expect, it } from 'vitest';
import type { Episode } from '../../alerts/alert.ts';
import {
  countPoints, DAY_MS, entityDays, median, pointRates, score, upperBound, type Truth,
} from '../../bench/quality/scoring.ts'; // prettier-ignore

function episode(entity: string, firstPaneMs: number, family: Episode['family'] = 'data-corruption'): Episode {
  return {
    uid: `${entity} ${firstPaneMs}`,
    revision: 1,
    family,
    entityKind: 'device',
    entity,
    isOpen: false,
    severity: 'low',
    confidence: 0.5,
    sinceMs: firstPaneMs,
    firstPaneMs,
    lastPaneMs: firstPaneMs,
    findingCount: 1,
    detectors: [],
    evidence: [],
  };
}

const truth: Truth = { entity: 'pump', family: 'data-corruption', startMs: 100_000, endMs: 200_000 };

describe('score', () => {
  it('finds what an episode begins in, with the delay to the end of its first pane', () => {
    const { outcomes, falseAlarms } = score([truth], [episode('pump', 150_000), episode('pump', 120_000)]);
    expect(outcomes).toEqual([{ truth, delayMs: 30_000 }]);
    expect(falseAlarms).toEqual([]);
  });

  it('takes the pane in which it began, and what lies in the grace', () => {
    expect(score([truth], [episode('pump', 90_001)]).outcomes[0]?.delayMs).toBe(1);
    expect(score([truth], [episode('pump', 90_000)]).outcomes[0]?.delayMs).toBeUndefined();
    expect(score([{ ...truth, graceMs: 50_000 }], [episode('pump', 250_000)]).falseAlarms).toEqual([]);
  });

  it('finds nothing by an episode that was open before, or that is about something else', () => {
    const others = [episode('pump', 10_000), episode('tank', 150_000), episode('pump', 150_000, 'data-loss')];
    const { outcomes, falseAlarms } = score([truth], others);
    expect(outcomes[0]?.delayMs).toBeUndefined();
    expect(falseAlarms).toEqual(others);
  });
});

describe('exposure and bounds', () => {
  it('counts days from the first to the last record of each entity, less the labelled time', () => {
    const watched = [
      { kind: 'device', entity: 'pump', firstMs: 0, lastMs: 3 * DAY_MS },
      { kind: 'host', entity: '10.0.0.1', firstMs: 0, lastMs: DAY_MS },
    ] as const;
    expect(entityDays(watched, [{ ...truth, startMs: 0, endMs: DAY_MS / 2 }])).toBe(3.5);
  });

  // Garwood's exact limits, one-sided 95 %: −ln 0.05, and half of the χ² quantile of 2(n + 1) degrees of freedom.
  it.each([
    [0, 2.9957],
    [1, 4.7439],
    [5, 10.513],
    [10, 16.962],
  ])('gives the highest credible mean for %i events', (count, most) => {
    expect(upperBound(count)).toBeCloseTo(most, 3);
  });

  it('takes the lower of two middles, and nothing of nothing', () => {
    expect(median([4, 1, 3, 2])).toBe(2);
    expect(median([])).toBeUndefined();
  });
});

describe('points', () => {
  it('counts each point for itself: an alarm inside an anomaly does not earn the rest of it', () => {
    const points = Array.from({ length: 10 }, (_, i) => ({ timeMs: i * 1000, isAnomalous: i >= 4 && i < 8 }));
    const counts = countPoints(points, [{ startMs: 3000, endMs: 4000 }]);
    expect(counts).toEqual({ truePositives: 1, falsePositives: 1, falseNegatives: 3, trueNegatives: 5 });
    const { f1, farPercent, marPercent } = pointRates(counts);
    expect(f1).toBeCloseTo(2 / 6, 12);
    expect(farPercent).toBeCloseTo(100 / 6, 12);
    expect(marPercent).toBe(75);
  });
});
