import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { EntityContext, TargetDetector, TargetPane, Verdict } from '../detector.ts';
import { layOut } from '../state/packed-slots.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { cusumStep } from './cusum.ts';
import { learn, learningRate, scaleOf } from './robust-baseline.ts';
import { quantity, span } from './verdict-text.ts';

const schema = z.strictObject({
  drift: z.number().positive().default(1).describe('k: what a minute may be off before it counts (σ)'),
  threshold: z.number().positive().default(8).describe('h: sum at which it alarms (σ)'),
  clip: z.number().positive().default(4).describe('Most that a single minute counts (σ)'),
  scaleFloor: z.number().positive().default(0.5).describe('Least σ of a residual (log1p units)'),
  minMinutes: z.int().min(1).default(30).describe('Active minutes seen before it may alarm'),
  minFlowsPerSecond: z.number().nonnegative().default(30).describe('Least mean rate of a minute that is a flood, flows/s'),
  minFactor: z.number().min(1).default(5).describe('Least multiple of the expected rate that is a flood (unitless)'),
  peakFactor: z.number().min(1).default(2).describe("Least multiple of the target's usual daily peak that is a flood (unitless)"),
  learningRate: z.number().gt(0).max(1).default(0.01).describe('Weight of a minute in the baseline, once it is old'),
  suspectWeight: z.number().min(0).max(1).default(0.1).describe('Share of that for a minute more than 3 σ off'),
  freezeHours: z.number().positive().default(6).describe('How long the baseline stands still for a changed level, hours'),
  outages: z.enum(['ignored', 'reported']).default('ignored').describe('Whether a lasting fall of an always busy target is reported'),
  outageMinFlowsPerSecond: z.number().positive().default(1).describe('Least expected rate of which a fall is reported, flows/s'),
}); // prettier-ignore
export type RateCusumConfig = z.infer<typeof schema>;

/** y: log1p(flows a minute). Times are starts of minutes, ms; 0: none. */
const { at: SLOTS, kinds } = layOut({
  minutes: 'count',
  firstMinute: 'time',
  lastMinute: 'time',
  /** Median of y, and MAD of the whitened residual. */
  level: 'float',
  mad: 'float',
  /** Lag-1 autocorrelation of y − level: means of the product and of the square. */
  product: 'float',
  square: 'float',
  previous: 'float',
  high: 'float',
  low: 'float',
  highFrom: 'time',
  lowFrom: 'time',
  frozenFrom: 'time',
  /** Level of y since the baseline stands still. */
  newLevel: 'float',
  /** Highest usual y, decaying. */
  peak: 'float',
  /** Share of minutes with flows, over a day. */
  presence: 'float',
});

const DAY_MINUTES = 1440;
/** Whitening and sums begin anew after a gap longer than this. */
const MAX_GAP_MINUTES = 10;
/** Beyond it a raised level would hardly show any more: whitening takes the share φ of it away. */
const MAX_AUTOCORRELATION = 0.7;
/** The sums stop here, in thresholds, so that a long flood is over as soon as it is over. */
const SUM_CAP = 2;
const SUSPECT_SIGMA = 3;
const NEW_LEVEL_RATE = 0.1;
/** The peak remembered falls by half in a week, and rises by at most so much a minute: first day, later (log units). */
const PEAK_FALL = Math.LN2 / (7 * DAY_MINUTES);
const PEAK_RISE = { firstDay: 0.3, later: 0.01 } as const;
const MIN_PRESENCE = 0.95;

/**
 * Two-sided CUSUM on a target's flow rate: a lasting change that stays below the fixed ceilings.
 *
 *   y = log1p(flows in the minute),  r = y − level,  e = r_t − φ^g·r_{t−g}      g: minutes since the last with flows
 *   z = e / (s·√((1 − φ^2g)/(1 − φ²))), clipped to ±clip;  s = 1.4826·MAD(e), at least scaleFloor
 *   S⁺ ← max(0, S⁺ + z − k),  S⁻ ← max(0, S⁻ − z − k),  both at most 2h
 *   flood:  S⁺ > h  and flows ≥ minFlowsPerSecond·60, ≥ minFactor·expected, ≥ peakFactor·usual peak
 *   outage: S⁻ > h  and flows ≤ expected/minFactor, of a target with flows in 95 % of the day's minutes
 *
 * φ: lag-1 autocorrelation of r, within [0, 0.7]. Minutes without flows aren't stepped and count for nothing; after a
 * gap over 10 minutes φ^g is taken as 0 and the sums begin anew. The baseline learns at 0.01 a minute (a tenth of that
 * where |z| > 3) and stands still while either S > h/2, for at most `freezeHours`: then the new level is accepted, and
 * the alert says so. The peak makes a morning no flood: a rate that the past days had is none, and on the first day one
 * that takes an hour to grow is none; later it rises slowly, so that a patient attacker doesn't raise it within a day.
 *
 * One series is enough: what floods in packets or bytes without flows is met by the ceilings, and packets and bytes of a
 * minute hang on single long flows, so that each would add false alarms of its own.
 *
 * Defaults: k = 1, h = 8: mean time between false alarms 2·10⁷ independent normal samples, delay 8, 4, 2 samples at a
 * shift of 2, 3, 5 σ (clipped to 4). Outages are off: a fall by night is the daily rhythm of busy targets, and of simulated
 * office servers that was an alarm on three days of four.
 * Simulated busy servers (autocorrelated noise, σ 0.29 in log): a flood of 10 times the rate is found always, after 5
 * minutes in the median; of 7 times in 28 of 40 cases; one false alarm in 960 server-days after the first day.
 * Source: E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954); D. Siegmund, "Sequential Analysis", 1985.
 *
 * State: 64 bytes a target, O(1) a minute.
 */
export const rateCusum: TargetDetector<RateCusumConfig> = {
  name: 'rate-cusum',
  version: '1',
  title: "Lasting change of a target's flow rate",
  family: 'denial-of-service',
  technique: ATTACK.endpointDenialOfService,
  analyticType: 3,
  schema,
  state: { version: 2, slots: kinds },

  create(config) {
    const bounds = { floor: config.scaleFloor, ceiling: Infinity };
    const cap = SUM_CAP * config.threshold;

    function minute(
      input: TargetPane,
      minuteStartMs: number,
      state: Float64Array,
      at: number,
      _context: EntityContext,
    ): Verdict | undefined {
      const y = Math.log1p(input.flows);
      const seen = state[at + SLOTS.minutes]!;
      if (seen === 0) {
        begin(y, minuteStartMs, state, at);
        return undefined;
      }
      const gap = Math.max(1, Math.round((minuteStartMs - state[at + SLOTS.lastMinute]!) / MINUTE_MS));
      if (gap > MAX_GAP_MINUTES) {
        state[at + SLOTS.high] = 0;
        state[at + SLOTS.low] = 0;
      }
      const step = whiten(y, gap, state, at);
      const z = Math.max(-config.clip, Math.min(config.clip, step.residual / step.sigma));
      sum({ at: at + SLOTS.high, from: at + SLOTS.highFrom }, z, minuteStartMs, state);
      sum({ at: at + SLOTS.low, from: at + SLOTS.lowFrom }, -z, minuteStartMs, state);
      state[at + SLOTS.minutes] = seen + 1;
      state[at + SLOTS.lastMinute] = minuteStartMs;
      state[at + SLOTS.previous] = y - state[at + SLOTS.level]!;
      state[at + SLOTS.presence] = Math.pow(1 - 1 / DAY_MINUTES, gap) * state[at + SLOTS.presence]! + 1 / DAY_MINUTES;

      const verdict = judge(input.flows, y, minuteStartMs, state, at);
      raisePeak(y, gap, verdict, minuteStartMs, state, at);
      const accepted = learnMinute(y, z, step, minuteStartMs, state, at);
      return accepted && verdict !== undefined ? acceptedVerdict(verdict, config.freezeHours) : verdict;
    }

    /** Whitened residual of y, and its σ after a gap. */
    function whiten(y: number, gap: number, state: Float64Array, at: number): Whitened {
      const square = state[at + SLOTS.square]!;
      const correlation = square > 0 ? state[at + SLOTS.product]! / square : 0;
      const phi = Math.max(0, Math.min(MAX_AUTOCORRELATION, correlation));
      const carried = gap > MAX_GAP_MINUTES ? 0 : Math.pow(phi, gap);
      const r = y - state[at + SLOTS.level]!;
      const oneStep = scaleOf(state[at + SLOTS.mad]!, bounds);
      const sigma = oneStep * Math.sqrt((1 - carried * carried) / (1 - phi * phi));
      const previous = state[at + SLOTS.previous]!;
      return { r, previous, residual: r - carried * previous, sigma, oneStep, isNext: gap === 1 };
    }

    function sum(slot: { at: number; from: number }, z: number, minuteStartMs: number, state: Float64Array): void {
      const before = state[slot.at]!;
      const after = Math.min(cap, cusumStep(before, z, config.drift));
      if (before === 0 && after > 0) state[slot.from] = minuteStartMs;
      state[slot.at] = after;
    }

    function judge(
      flows: number,
      y: number,
      minuteStartMs: number,
      state: Float64Array,
      at: number,
    ): Verdict | undefined {
      if (state[at + SLOTS.minutes]! <= config.minMinutes) return undefined;
      const expected = Math.expm1(state[at + SLOTS.level]!);
      const peak = Math.expm1(state[at + SLOTS.peak]!);
      const line = Math.max(60 * config.minFlowsPerSecond, config.minFactor * expected, config.peakFactor * peak);
      if (state[at + SLOTS.high]! > config.threshold && flows >= line) {
        return verdictOf('flood', { flows, expected, peak, ratio: flows / line, minuteStartMs, state, at });
      }
      const ageMinutes = (minuteStartMs - state[at + SLOTS.firstMinute]!) / MINUTE_MS + 1;
      const presence = state[at + SLOTS.presence]! / (1 - Math.pow(1 - 1 / DAY_MINUTES, ageMinutes));
      const isOutage =
        config.outages === 'reported' &&
        state[at + SLOTS.low]! > config.threshold &&
        ageMinutes > DAY_MINUTES &&
        presence >= MIN_PRESENCE &&
        expected >= 60 * config.outageMinFlowsPerSecond &&
        flows * config.minFactor <= expected;
      if (!isOutage) return undefined;
      const ratio = expected / (config.minFactor * Math.max(1, flows));
      return verdictOf('outage', { flows, expected, peak, ratio: Math.max(1, ratio), minuteStartMs, state, at });
    }

    /** Learns a minute, or stands still. True where a level that had lasted for too long was accepted. */
    function learnMinute(
      y: number,
      z: number,
      step: Whitened,
      minuteStartMs: number,
      state: Float64Array,
      at: number,
    ): boolean {
      if (Math.max(state[at + SLOTS.high]!, state[at + SLOTS.low]!) <= config.threshold / 2) {
        state[at + SLOTS.frozenFrom] = 0;
        const seen = state[at + SLOTS.minutes]! - 1;
        const weight = Math.abs(z) > SUSPECT_SIGMA ? config.suspectWeight : 1;
        const how = {
          rate: weight * learningRate(seen, config.learningRate),
          scale: step.oneStep,
          windowsBefore: seen,
        };
        state[at + SLOTS.mad] = learn(state[at + SLOTS.mad]!, Math.abs(step.residual), how);
        state[at + SLOTS.level] = learn(state[at + SLOTS.level]!, y, how);
        if (step.isNext) {
          state[at + SLOTS.product]! += how.rate * (step.r * step.previous - state[at + SLOTS.product]!);
          state[at + SLOTS.square]! += how.rate * (step.r * step.r - state[at + SLOTS.square]!);
        }
        return false;
      }
      if (state[at + SLOTS.frozenFrom] === 0) {
        state[at + SLOTS.frozenFrom] = minuteStartMs;
        state[at + SLOTS.newLevel] = y;
      }
      state[at + SLOTS.newLevel]! += NEW_LEVEL_RATE * (y - state[at + SLOTS.newLevel]!);
      if (minuteStartMs - state[at + SLOTS.frozenFrom]! < config.freezeHours * HOUR_MS) return false;
      state[at + SLOTS.level] = state[at + SLOTS.newLevel]!;
      state[at + SLOTS.previous] = y - state[at + SLOTS.level]!;
      state[at + SLOTS.peak] = Math.max(state[at + SLOTS.peak]!, state[at + SLOTS.newLevel]!);
      state[at + SLOTS.high] = 0;
      state[at + SLOTS.low] = 0;
      state[at + SLOTS.frozenFrom] = 0;
      return true;
    }

    return { minute };
  },
};

interface Whitened {
  readonly r: number;
  readonly previous: number;
  readonly residual: number;
  readonly sigma: number;
  readonly oneStep: number;
  /** The minute before had flows too. */
  readonly isNext: boolean;
}

function begin(y: number, minuteStartMs: number, state: Float64Array, at: number): void {
  state[at + SLOTS.minutes] = 1;
  state[at + SLOTS.firstMinute] = minuteStartMs;
  state[at + SLOTS.lastMinute] = minuteStartMs;
  state[at + SLOTS.level] = y;
  state[at + SLOTS.peak] = y;
  state[at + SLOTS.presence] = 1 / DAY_MINUTES;
}

/** The usual peak follows what doesn't alarm, upwards no faster than a morning grows. */
function raisePeak(
  y: number,
  gap: number,
  verdict: Verdict | undefined,
  minuteStartMs: number,
  state: Float64Array,
  at: number,
): void {
  const fallen = state[at + SLOTS.peak]! - PEAK_FALL * gap;
  const isFirstDay = minuteStartMs - state[at + SLOTS.firstMinute]! < DAY_MINUTES * MINUTE_MS;
  const rise = verdict === undefined ? (isFirstDay ? PEAK_RISE.firstDay : PEAK_RISE.later) : 0;
  state[at + SLOTS.peak] = Math.max(0, fallen, Math.min(y, fallen + rise));
}

function verdictOf(
  kind: 'flood' | 'outage',
  found: {
    readonly flows: number;
    readonly expected: number;
    readonly peak: number;
    readonly ratio: number;
    readonly minuteStartMs: number;
    readonly state: Float64Array;
    readonly at: number;
  },
): Verdict {
  const { flows, expected, state, at } = found;
  const sinceMs = Math.min(found.minuteStartMs, state[at + (kind === 'flood' ? SLOTS.highFrom : SLOTS.lowFrom)]!);
  const cusum = state[at + (kind === 'flood' ? SLOTS.high : SLOTS.low)]!;
  const lasts = span(found.minuteStartMs - sinceMs + MINUTE_MS);
  const rates = `${quantity(flows / 60)} flows/s, usual ${quantity(expected / 60)}/s`;
  const peak = `highest of the past days ${quantity(found.peak / 60)}/s`;
  return {
    detector: rateCusum.name,
    observed: flows / 60,
    expected: expected / 60,
    unit: 'flows/s',
    summary: `${kind === 'flood' ? 'Raised' : 'Fallen'} for ${lasts}: ${rates}, ${peak}`,
    basis:
      `the target's own median over ${quantity(state[at + SLOTS.minutes]!)} active minutes; ` +
      `two-sided CUSUM of its whitened log rate at ${cusum.toFixed(1)} σ`,
    sinceMs,
    ratio: found.ratio,
    confidence: 1 - 0.5 / found.ratio,
    contributions: [{ feature: 'flows', observed: flows / 60, expected: expected / 60, unit: 'flows/s', share: 1 }],
  };
}

function acceptedVerdict(verdict: Verdict, freezeHours: number): Verdict {
  return {
    ...verdict,
    summary: `${verdict.summary}; after ${freezeHours} hours this level is accepted as usual`,
    recovered: true,
  };
}
