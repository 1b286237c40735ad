import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { DeviceContext, SilenceDetector, Verdict } from '../detector.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { duration } from './reading-text.ts';

const schema = z.strictObject({
  threshold: z.number().positive().max(12).default(8).describe('φ at which a device counts as silent, 8: one in 10⁸ gaps'),
  minSpread: z.number().positive().default(0.5).describe('Least σ of the gaps, as a share of their mean (unitless)'),
  longestFactor: z.number().min(1).default(2).describe('A gap must exceed this many times the longest recent gap (unitless)'),
  minPauseMs: z.number().nonnegative().default(3 * MINUTE_MS).describe('No gap up to this long counts as silence, ms'),
  minGaps: z.int().min(10).default(100).describe('Gaps to have seen of a device'),
  minRosterGaps: z.int().min(10).default(30).describe('Gaps to have seen of a regular device (σ ≤ μ) on the roster'),
  minObservedMs: z.number().nonnegative().default(24 * HOUR_MS).describe('Time to have watched a device, unless it is regular and on the roster, ms'),
  minPresence: z.number().min(0).max(1).default(0.95).describe('Share of that time without pauses, for a device to count as always on'),
}); // prettier-ignore
export type SilenceConfig = z.infer<typeof schema>;

const SLOTS = {
  last: 0,
  gaps: 1,
  mean: 2,
  /** Mean of the squared gaps, so that both moments take the same weights. */
  square: 3,
  /** Longest gap in this turn of 250 gaps and in the turn before. */
  longest: 4,
  longestBefore: 5,
  inTurn: 6,
  observed: 7,
  paused: 8,
  /** Deadline that passed, while the device is silent; else 0. */
  silentFrom: 9,
} as const;

const TURN_GAPS = 250;
const MEMORY_GAPS = 500;
const MEMORY_MS = 14 * 24 * HOUR_MS;
/** A gap longer than this many mean gaps, and an hour, is a pause: the device was not there. */
const PAUSE_MEANS = 4;

/**
 * Silence: a device that has always reported stops. Phi accrual on event time, by deadline.
 *
 *   φ(t) = −log₁₀ P(gap > t),  silent when φ(t) ≥ threshold
 *   and t > longestFactor · (longest of the last 250 to 500 gaps)  and t > minPauseMs
 *
 * The gaps are taken as gamma distributed with their own mean μ and spread σ ≥ minSpread · μ, shape a = (μ/σ)². Where
 * σ = μ that is the exponential form, φ = t/(μ·ln 10), and for regular reporters it nears the normal form. By Wilson
 * and Hilferty, with u the normal quantile of 10^−threshold:
 *
 *   t = μ · (1 − 1/(9a) + u/(3·√a))³         (within 15 % of exact at a = 1, and on the safe side; better above)
 *
 * μ, σ: weighted over about the last 500 gaps. φ alone cries wolf on irregular reporters, hence the longest gap; and a
 * device is only watched after 100 gaps and a day, if it is on the roster or always on (pauses of more than an hour and
 * 4 μ make up under 5 % of its time); on the roster after 30 gaps, where they are regular (σ ≤ μ). Several readings of one instant are one beat. Of a gap that was called
 * silence only the length of its deadline is learned: a device that keeps failing is given twice as long each time.
 * Defaults: regular reporters are missed after 7 intervals, irregular ones (σ = μ) after 21.
 *
 * State: 10 float64 a device, O(1) a beat.
 * Source: N. Hayashibara et al., "The φ Accrual Failure Detector", SRDS 2004; exponential form as in Apache Cassandra's
 * FailureDetector, normal form with least σ and allowed pause as in Akka; E. B. Wilson, M. M. Hilferty, PNAS 17 (1931).
 */
export const silence: SilenceDetector<SilenceConfig> = {
  name: 'silence',
  version: '1',
  title: 'Device stopped reporting',
  family: 'denial-of-service',
  technique: ATTACK.icsDenialOfService,
  analyticType: 3,
  schema,
  state: { version: 1, slots: 10 },

  create(config) {
    const quantile = normalQuantile(config.threshold);

    /** Time after a beat at which the device counts as silent, ms. */
    function patienceMs(state: Float64Array, at: number): number {
      const quantileMs = state[at + SLOTS.mean]! * gammaQuantile(shapeOf(state, at, config.minSpread), quantile);
      return Math.ceil(Math.max(config.minPauseMs, config.longestFactor * longestGap(state, at), quantileMs));
    }

    function isWatched(state: Float64Array, at: number, context: DeviceContext): boolean {
      const gaps = state[at + SLOTS.gaps]!;
      const isRegular = shapeOf(state, at, config.minSpread) >= 1;
      if (context.isOnRoster && isRegular && gaps >= config.minRosterGaps) return true;
      const observed = state[at + SLOTS.observed]!;
      if (gaps < config.minGaps || observed < config.minObservedMs) return false;
      return context.isOnRoster || state[at + SLOTS.paused]! <= (1 - config.minPresence) * observed;
    }

    return {
      beat(timeMs, state, at) {
        const last = state[at + SLOTS.last]!;
        if (!Number.isFinite(timeMs) || timeMs <= last) return undefined;
        state[at + SLOTS.last] = timeMs;
        if (last === 0) return undefined;
        const gapMs = timeMs - last;
        const silentFrom = state[at + SLOTS.silentFrom]!;
        if (silentFrom === 0) {
          learnPresence(state, at, gapMs);
          learnGap(state, at, gapMs);
          return undefined;
        }
        const patience = silentFrom - last;
        state[at + SLOTS.silentFrom] = 0;
        const verdict: Verdict = {
          ...describe(state, at, gapMs, patience, config.minSpread),
          summary: `Reports again after ${duration(gapMs)} of silence.`,
          sinceMs: last,
          recovered: true,
        };
        learnGap(state, at, patience);
        return verdict;
      },

      deadline(state, at, context) {
        if (state[at + SLOTS.silentFrom] !== 0 || !isWatched(state, at, context)) return Infinity;
        return state[at + SLOTS.last]! + patienceMs(state, at);
      },

      silent(nowMs, state, at) {
        const last = state[at + SLOTS.last]!;
        const patience = patienceMs(state, at);
        state[at + SLOTS.silentFrom] = last + patience;
        return {
          ...describe(state, at, nowMs - last, patience, config.minSpread),
          summary: `No report for ${duration(nowMs - last)}; it reports every ${duration(state[at + SLOTS.mean]!)} on average.`,
          sinceMs: last,
        };
      },
    };
  },
};

/** The device may have skipped hours: what is not an outage but its habit takes it out of the watch. */
function learnPresence(state: Float64Array, at: number, gapMs: number): void {
  const isPause = gapMs > HOUR_MS && state[at + SLOTS.gaps]! > 0 && gapMs > PAUSE_MEANS * state[at + SLOTS.mean]!;
  state[at + SLOTS.observed]! += gapMs;
  if (isPause) state[at + SLOTS.paused]! += gapMs;
  if (state[at + SLOTS.observed]! > MEMORY_MS) {
    state[at + SLOTS.observed]! /= 2;
    state[at + SLOTS.paused]! /= 2;
  }
}

function learnGap(state: Float64Array, at: number, gapMs: number): void {
  const gaps = state[at + SLOTS.gaps]! + 1;
  state[at + SLOTS.gaps] = gaps;
  const weight = 1 / Math.min(gaps, MEMORY_GAPS);
  state[at + SLOTS.mean]! += weight * (gapMs - state[at + SLOTS.mean]!);
  state[at + SLOTS.square]! += weight * (gapMs * gapMs - state[at + SLOTS.square]!);
  state[at + SLOTS.longest] = Math.max(state[at + SLOTS.longest]!, gapMs);
  state[at + SLOTS.inTurn]! += 1;
  if (state[at + SLOTS.inTurn]! < TURN_GAPS) return;
  state[at + SLOTS.longestBefore] = state[at + SLOTS.longest]!;
  state[at + SLOTS.longest] = 0;
  state[at + SLOTS.inTurn] = 0;
}

function longestGap(state: Float64Array, at: number): number {
  return Math.max(state[at + SLOTS.longest]!, state[at + SLOTS.longestBefore]!);
}

/** Shape of the gamma distribution of the gaps, a = (μ/σ)². */
function shapeOf(state: Float64Array, at: number, minSpread: number): number {
  const mean = state[at + SLOTS.mean]!;
  const variance = Math.max(state[at + SLOTS.square]! - mean * mean, (minSpread * mean) ** 2);
  return variance > 0 ? (mean * mean) / variance : 1;
}

/** Quantile of a gamma distribution with mean 1, by its normal quantile. */
function gammaQuantile(shape: number, quantile: number): number {
  return Math.max(0, 1 - 1 / (9 * shape) + quantile / (3 * Math.sqrt(shape))) ** 3;
}

/** φ of a gap of `ratio` mean gaps: the quantile above, solved for the normal tail. */
function phiOf(ratio: number, shape: number): number {
  return tailExponent(3 * Math.sqrt(shape) * (Math.cbrt(ratio) - 1 + 1 / (9 * shape)));
}

/**
 * −log₁₀ of the normal tail above u, by the continued fraction of Mills' ratio (Abramowitz and Stegun 26.2.14); for
 * u < 2, where nothing is decided, the line from there to the median.
 */
function tailExponent(u: number): number {
  if (u < 2) return Math.max(0, 0.301 + (u * (1.643 - 0.301)) / 2);
  let fraction = u;
  for (let term = 40; term >= 1; term--) fraction = u + term / fraction;
  return (u * u) / 2 / Math.LN10 + Math.log10(fraction * Math.sqrt(2 * Math.PI));
}

/** u whose normal tail is 10^−exponent. */
function normalQuantile(exponent: number): number {
  let low = 0;
  let high = 40;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (tailExponent(middle) < exponent) low = middle;
    else high = middle;
  }
  return low;
}

function describe(state: Float64Array, at: number, gapMs: number, patienceMs: number, minSpread: number): Omit<Verdict, 'summary' | 'sinceMs'> {
  const mean = state[at + SLOTS.mean]!;
  const longest = longestGap(state, at);
  const phi = phiOf(gapMs / mean, shapeOf(state, at, minSpread));
  return {
    detector: 'silence',
    observed: gapMs / 1000,
    expected: mean / 1000,
    unit: 's',
    basis: `Mean of its last ${Math.min(state[at + SLOTS.gaps]!, MEMORY_GAPS)} gaps; the longest lately was ${duration(longest)}, and ${duration(patienceMs)} were allowed. φ = ${phi.toFixed(1)}.`,
    ratio: gapMs / patienceMs,
    confidence: 1 - 10 ** -Math.min(phi, 3),
    contributions: [
      { feature: 'gap', observed: gapMs / 1000, expected: mean / 1000, unit: 's', share: 0.5 },
      { feature: 'gap_to_longest', observed: gapMs / Math.max(longest, 1), expected: 1, unit: '', share: 0.5 },
    ],
  };
} // prettier-ignore
