import type { Episode } from '../../alerts/alert.ts';
import type { Family } from '../../stream/detector.ts';
import type { Watched } from './run-pipeline.ts';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const PANE_MS = 10_000;

/** Something that happened, as labelled or injected: both ends belong to it, ms. */
export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** What happened to an entity, and how long after its end an alert still counts as about it. */
export interface Truth extends Interval {
  readonly entity: string;
  readonly family: Family;
  /** For what shows late by nature, ms; 0 unless said. */
  readonly graceMs?: number;
}

export interface Outcome {
  readonly truth: Truth;
  /** End of the pane of the first finding less the start of what happened, ms; undefined: missed. */
  readonly delayMs: number | undefined;
}

export interface Score {
  readonly outcomes: readonly Outcome[];
  readonly falseAlarms: readonly Episode[];
}

/**
 * Holds episodes against what really happened. Found: an episode of that entity and family *begins* inside the interval
 * (or its grace); one that was open before finds nothing. False: an episode that begins in no interval of its entity
 * and family. No point adjustment.
 */
export function score(truths: readonly Truth[], episodes: readonly Episode[]): Score {
  return {
    outcomes: truths.map((truth) => {
      const found = episodes.filter((episode) => isAbout(episode, truth));
      const delays = found.map((episode) => episode.firstPaneMs + PANE_MS - truth.startMs);
      return { truth, delayMs: delays.length === 0 ? undefined : Math.min(...delays) };
    }),
    falseAlarms: episodes.filter((episode) => !truths.some((truth) => isAbout(episode, truth))),
  };
}

function isAbout(episode: Episode, truth: Truth): boolean {
  return (
    episode.entity === truth.entity &&
    episode.family === truth.family &&
    episode.firstPaneMs + PANE_MS > truth.startMs &&
    episode.firstPaneMs <= truth.endMs + (truth.graceMs ?? 0)
  );
}

/** Days from first to last record, over all entities, less what is not clean. */
export function entityDays(watched: readonly Watched[], unclean: readonly Truth[] = []): number {
  const spanMs = watched.reduce((sum, { firstMs, lastMs }) => sum + (lastMs - firstMs), 0);
  const uncleanMs = unclean.reduce((sum, { startMs, endMs }) => sum + (endMs - startMs), 0);
  return (spanMs - uncleanMs) / DAY_MS;
}

/** The middle value; undefined where there is none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/**
 * Highest mean count that is still credible at 95 % where `count` was seen (one-sided, Poisson): 3 for none seen.
 * Source: F. Garwood, Biometrika 28 (1936); solved by bisection.
 */
export function upperBound(count: number): number {
  let low = count;
  let high = count + 10 + 4 * Math.sqrt(count + 1);
  for (let step = 0; step < 60; step++) {
    const mean = (low + high) / 2;
    if (poissonAtMost(count, mean) > 0.05) low = mean;
    else high = mean;
  }
  return high;
}

function poissonAtMost(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let sum = term;
  for (let k = 1; k <= count; k++) {
    term *= mean / k;
    sum += term;
  }
  return sum;
}

/** Point by point, as the publishers of data sets count: a point is called anomalous while an episode about it lasts. */
export interface PointCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

export function countPoints(
  points: readonly { readonly timeMs: number; readonly isAnomalous: boolean }[],
  episodes: readonly Interval[],
): PointCounts {
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  for (const { timeMs, isAnomalous } of points) {
    const isCalled = episodes.some(({ startMs, endMs }) => timeMs >= startMs && timeMs <= endMs);
    if (isAnomalous) counts[isCalled ? 'truePositives' : 'falseNegatives']++;
    else counts[isCalled ? 'falsePositives' : 'trueNegatives']++;
  }
  return counts;
}

export function addPoints(a: PointCounts, b: PointCounts): PointCounts {
  return {
    truePositives: a.truePositives + b.truePositives,
    falsePositives: a.falsePositives + b.falsePositives,
    falseNegatives: a.falseNegatives + b.falseNegatives,
    trueNegatives: a.trueNegatives + b.trueNegatives,
  };
}

/** F1, false alarm rate and missed alarm rate (both in %), 0 where nothing can be divided. */
export function pointRates(counts: PointCounts): { f1: number; farPercent: number; marPercent: number } {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    farPercent: 100 * share(falsePositives, falsePositives + trueNegatives),
    marPercent: 100 * share(falseNegatives, truePositives + falseNegatives),
  };
}

/** When an episode says that something was wrong. */
export function episodeInterval(episode: Episode): Interval {
  return { startMs: episode.sinceMs, endMs: episode.lastPaneMs + PANE_MS };
}
