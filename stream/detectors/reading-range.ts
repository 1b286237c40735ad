import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { ReadingDetector, Sample, SeriesContext, Verdict } from '../detector.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { confidenceOf, duration, reading } from './reading-text.ts';

const limit = z.strictObject({
  device: z.string().optional().describe('Device that the limits are for; without it every device'),
  metric: z.string().describe('Metric that the limits are for'),
  min: z.number().optional().describe("Least possible value, in the metric's unit"),
  max: z.number().optional().describe("Greatest possible value, in the metric's unit"),
});

const schema = z.strictObject({
  limits: z.array(limit).default([]).describe('Physical limits of metrics; a value outside is an alarm at once'),
  minSamples: z.int().min(20).default(240).describe('Samples to have seen before anything but the limits alarms'),
  margin: z.number().positive().default(1).describe('How far outside the learned range a value may lie, in spans of that range (unitless)'),
  matureMs: z.number().positive().default(24 * HOUR_MS).describe('History up to which margins are widened, by this over its length, ms'),
  spikeFactor: z.number().positive().default(8).describe('A spike exceeds this many times the mean step between samples (unitless)'),
  spikeRecord: z.number().min(1).default(2).describe('A spike exceeds this many times the largest before (unitless)'),
  flatSamples: z.int().min(2).default(20).describe('Least repeats of one value for a flat line, samples'),
  flatMs: z.number().nonnegative().default(10 * MINUTE_MS).describe('Least duration of a flat line, ms'),
  flatRecord: z.number().min(1).default(3).describe('A flat line has this many times the most repeats before (unitless)'),
  flatShare: z.number().min(0).max(1).default(0.05).describe('Share of past windows of `flatSamples` samples that may have been flat'),
  acceptMs: z.number().positive().default(24 * HOUR_MS).describe('Time after which a lasting alarm is taken for the new normal and learning starts again, ms'),
  repeatMs: z.number().nonnegative().default(5 * MINUTE_MS).describe('Least time between two findings about one condition, ms'),
}); // prettier-ignore
export type ReadingRangeConfig = z.infer<typeof schema>;

const SLOTS = {
  samples: 0,
  first: 1,
  /** Range of the past turns, which values are held against, and of the running turn. */
  low: 2,
  high: 3,
  turnLow: 4,
  turnHigh: 5,
  previous: 6,
  beforePrevious: 7,
  /** Mean step between samples, each counted with at most four times the mean. */
  step: 8,
  /** Smallest step other than 0: the resolution of the sensor. */
  quantum: 9,
  largestSpike: 10,
  /** Repeats of the running value, since when, and most before; windows that held one value only. */
  run: 11,
  runStart: 12,
  longestRun: 13,
  flatWindows: 14,
  /** While alarmed: since when, last finding, fine samples since, range limit that was passed (NaN: none); else 0. */
  since: 15,
  reported: 16,
  fine: 17,
  passed: 18,
} as const;
const SLOT_COUNT = 19;

/** A turn is as long as all turns before, up to this, so that a slow drift doesn't carry its own range along. */
const MAX_TURN_SAMPLES = 8192;
const STEP_MEMORY = 256;
const STEP_CLIP = 4;
/** A range counts as at least this many of the sensor's steps: having seen 0 and 1 says little about 2. */
const MIN_SPAN_STEPS = 8;
const RECOVERY_SAMPLES = 10;

/** What a test found. */
interface Breach {
  readonly kind: 'limit' | 'range' | 'flat' | 'spike';
  readonly observed: number;
  readonly expected: number;
  readonly ratio: number;
  readonly sinceMs: number;
  /** What is learned of it: the bound that was passed. */
  readonly bound: number;
}

/**
 * Wrong readings: four of the IOOS QARTOD tests, with limits that the series itself has set. A sample x₂ after x₁, x₀:
 *
 *   gross range   x₂ outside configured limits of the metric, or outside [low − w, high + w]
 *                 w = margin · max(high − low, 8 · resolution) · youth
 *   flat line     one value repeated n times: n ≥ flatSamples, n ≥ flatRecord · longest run before, for ≥ flatMs; only
 *                 for series that changed in 95 % of past windows of flatSamples
 *   spike         x₁ outside [low, high], and min(|x₁ − x₀|, |x₁ − x₂|), where x₁ lies outside both, exceeds
 *                 √youth · max(spikeFactor · mean step, spikeRecord · largest spike before, 8 · resolution)
 *
 * low, high: extremes of all turns before the running one (turns of 240, 240, 480, 960… samples, at most 8,192), in the
 * metric's unit; resolution: the smallest step seen; youth = max(1, matureMs / age), since the first hours don't show
 * what a day will: a pump that switches moves a dozen spans, an impossible value a hundred. Spike is QARTOD's
 * |x₁ − (x₀ + x₂)/2| less half the neighbours' own step |x₂ − x₀|/2, as in Argo's test, so that an edge is no spike.
 * Rate of change is not tested by itself: pumps and valves jump, and a jump to where the series has never been is range.
 * A value that is out of range is not learned; when the series has been fine for ten samples, the range grows to the
 * margin that was passed, so that a habit is reported a few times, not daily. What lasts a day becomes normal: learning
 * starts again. A constant series (high = low) has configured limits only.
 *
 * State: 19 float64 a series, O(1) a sample. A sample that is not finite is passed over.
 * Source: IOOS, "Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data", tests 4, 6, 8; Argo
 * Quality Control Manual, test 9.
 */
export const readingRange: ReadingDetector<ReadingRangeConfig> = {
  name: 'reading-range',
  version: '1',
  title: 'Wrong readings',
  family: 'data-corruption',
  technique: ATTACK.icsSpoofReportingMessage,
  analyticType: 3,
  schema,
  state: { version: 1, slots: SLOT_COUNT },

  create(config) {
    return {
      sample(sample, state, at, context) {
        const { timeMs, value } = sample;
        if (!Number.isFinite(value) || !Number.isFinite(timeMs)) return undefined;
        if (state[at + SLOTS.samples] === 0) begin(state, at, sample);
        countRun(config, state, at, sample);
        const breach =
          limitBreach(config, context, sample) ??
          rangeBreach(config, state, at, sample) ??
          flatBreach(config, state, at, sample) ??
          spikeBreach(config, state, at, sample);
        if (breach === undefined) {
          learn(config, state, at, value, undefined);
          return settle(state, at, sample, context);
        }
        const since = state[at + SLOTS.since]!;
        if (since !== 0 && breach.kind !== 'limit' && timeMs - since >= config.acceptMs) {
          state.fill(0, at, at + SLOT_COUNT);
          return {
            ...verdictOf(breach, context, config, since),
            summary: `${context.metric} has been out of the ordinary for ${duration(timeMs - since)}; it is learned anew.`,
            recovered: true,
          };
        }
        const verdict = report(config, state, at, timeMs, breach, context);
        learn(config, state, at, value, breach);
        return verdict;
      },
    };
  },
};

function begin(state: Float64Array, at: number, { timeMs, value }: Sample): void {
  state[at + SLOTS.first] = timeMs;
  state[at + SLOTS.low] = state[at + SLOTS.turnLow] = Infinity;
  state[at + SLOTS.high] = state[at + SLOTS.turnHigh] = -Infinity;
  state[at + SLOTS.previous] = state[at + SLOTS.beforePrevious] = value;
  state[at + SLOTS.runStart] = timeMs;
}

function countRun(config: ReadingRangeConfig, state: Float64Array, at: number, { timeMs, value }: Sample): void {
  const run = state[at + SLOTS.run]!;
  if (value === state[at + SLOTS.previous]) {
    state[at + SLOTS.run] = run + 1;
    if ((run + 1) % config.flatSamples === 0) state[at + SLOTS.flatWindows]! += 1;
    return;
  }
  // Of a run that alarmed, only what made it alarm is learned.
  const longest = state[at + SLOTS.longestRun]!;
  state[at + SLOTS.longestRun] = Math.max(longest, Math.min(run, config.flatRecord * Math.max(longest, config.flatSamples)));
  state[at + SLOTS.run] = 1;
  state[at + SLOTS.runStart] = timeMs;
} // prettier-ignore

/** Times that margins are wider while the series is young. */
function youth(config: ReadingRangeConfig, state: Float64Array, at: number, timeMs: number): number {
  return Math.max(1, config.matureMs / Math.max(1, timeMs - state[at + SLOTS.first]!));
}

function limitBreach(config: ReadingRangeConfig, context: SeriesContext, { timeMs, value }: Sample): Breach | undefined {
  for (const { device, metric, min = -Infinity, max = Infinity } of config.limits) {
    if (metric !== context.metric || (device !== undefined && device !== context.device)) continue;
    if (value >= min && value <= max) continue;
    return { kind: 'limit', observed: value, expected: value > max ? max : min, ratio: 2, sinceMs: timeMs, bound: NaN };
  }
  return undefined;
} // prettier-ignore

function rangeBreach(config: ReadingRangeConfig, state: Float64Array, at: number, { timeMs, value }: Sample): Breach | undefined {
  const low = state[at + SLOTS.low]!;
  const high = state[at + SLOTS.high]!;
  if (state[at + SLOTS.samples]! < config.minSamples || !(high > low) || (value >= low && value <= high)) return undefined;
  const isAbove = value > high;
  const beyond = isAbove ? value - high : low - value;
  const width = config.margin * Math.max(high - low, MIN_SPAN_STEPS * state[at + SLOTS.quantum]!);
  const margin = width * youth(config, state, at, timeMs);
  if (beyond <= margin) return undefined;
  return { kind: 'range', observed: value, expected: isAbove ? high : low, ratio: beyond / margin, sinceMs: timeMs, bound: isAbove ? high + width : low - width };
} // prettier-ignore

function flatBreach(config: ReadingRangeConfig, state: Float64Array, at: number, { timeMs }: Sample): Breach | undefined {
  const run = state[at + SLOTS.run]!;
  const before = state[at + SLOTS.samples]! + 1 - run;
  if (run < config.flatSamples || before < config.minSamples) return undefined;
  const since = state[at + SLOTS.runStart]!;
  const longest = state[at + SLOTS.longestRun]!;
  const bound = Math.max(config.flatSamples, config.flatRecord * longest);
  if (run < bound || timeMs - since < config.flatMs) return undefined;
  const flatBefore = state[at + SLOTS.flatWindows]! - Math.floor(run / config.flatSamples);
  if (flatBefore * config.flatSamples > config.flatShare * before) return undefined;
  return { kind: 'flat', observed: run, expected: longest, ratio: run / bound, sinceMs: since, bound: NaN };
} // prettier-ignore

/** How far the previous sample stands off from both its neighbours; 0 where it lies between them. */
function spikeOf(state: Float64Array, at: number, value: number): number {
  const previous = state[at + SLOTS.previous]!;
  const before = previous - state[at + SLOTS.beforePrevious]!;
  const after = previous - value;
  return (before > 0 && after > 0) || (before < 0 && after < 0) ? Math.min(Math.abs(before), Math.abs(after)) : 0;
}

function spikeBreach(config: ReadingRangeConfig, state: Float64Array, at: number, { timeMs, value }: Sample): Breach | undefined {
  const previous = state[at + SLOTS.previous]!;
  if (state[at + SLOTS.samples]! < config.minSamples) return undefined;
  if (previous >= state[at + SLOTS.low]! && previous <= state[at + SLOTS.high]!) return undefined;
  const bound = Math.max(
    config.spikeFactor * state[at + SLOTS.step]!,
    config.spikeRecord * state[at + SLOTS.largestSpike]!,
    MIN_SPAN_STEPS * state[at + SLOTS.quantum]!,
  );
  const ratio = spikeOf(state, at, value) / (bound * Math.sqrt(youth(config, state, at, timeMs)));
  return ratio > 1 ? { kind: 'spike', observed: previous, expected: value, ratio, sinceMs: timeMs, bound } : undefined;
} // prettier-ignore

function learn(config: ReadingRangeConfig, state: Float64Array, at: number, value: number, breach: Breach | undefined): void {
  const samples = (state[at + SLOTS.samples]! += 1);
  const spike = breach === undefined ? spikeOf(state, at, value) : breach.kind === 'spike' ? breach.bound : 0;
  state[at + SLOTS.largestSpike] = Math.max(state[at + SLOTS.largestSpike]!, spike);
  const move = Math.abs(value - state[at + SLOTS.previous]!);
  const quantum = state[at + SLOTS.quantum]!;
  if (move > 0 && (quantum === 0 || move < quantum)) state[at + SLOTS.quantum] = move;
  const mean = state[at + SLOTS.step]!;
  const counted = mean > 0 ? Math.min(move, STEP_CLIP * mean) : move;
  state[at + SLOTS.step]! += (counted - mean) / Math.min(samples, STEP_MEMORY);
  state[at + SLOTS.beforePrevious] = state[at + SLOTS.previous]!;
  state[at + SLOTS.previous] = value;
  if (breach === undefined || breach.kind === 'flat' || breach.kind === 'spike') {
    state[at + SLOTS.turnLow] = Math.min(state[at + SLOTS.turnLow]!, value);
    state[at + SLOTS.turnHigh] = Math.max(state[at + SLOTS.turnHigh]!, value);
  }
  if (!isTurnEnd(samples, config.minSamples)) return;
  state[at + SLOTS.low] = Math.min(state[at + SLOTS.low]!, state[at + SLOTS.turnLow]!);
  state[at + SLOTS.high] = Math.max(state[at + SLOTS.high]!, state[at + SLOTS.turnHigh]!);
  state[at + SLOTS.turnLow] = Infinity;
  state[at + SLOTS.turnHigh] = -Infinity;
} // prettier-ignore

function isTurnEnd(samples: number, firstTurn: number): boolean {
  if (samples >= 2 * MAX_TURN_SAMPLES) return samples % MAX_TURN_SAMPLES === 0;
  return samples % firstTurn === 0 && Number.isInteger(Math.log2(samples / firstTurn));
}

function report(config: ReadingRangeConfig, state: Float64Array, at: number, timeMs: number, breach: Breach, context: SeriesContext): Verdict | undefined {
  if (state[at + SLOTS.since] === 0) state[at + SLOTS.since] = breach.sinceMs;
  if (breach.kind === 'range' || state[at + SLOTS.reported] === 0) state[at + SLOTS.passed] = breach.kind === 'range' ? breach.bound : NaN;
  state[at + SLOTS.fine] = 0;
  const reported = state[at + SLOTS.reported]!;
  if (reported !== 0 && timeMs - reported < config.repeatMs) return undefined;
  state[at + SLOTS.reported] = timeMs;
  return verdictOf(breach, context, config, state[at + SLOTS.since]!);
} // prettier-ignore

function settle(state: Float64Array, at: number, { timeMs, value }: Sample, context: SeriesContext): Verdict | undefined {
  const since = state[at + SLOTS.since]!;
  if (since === 0) return undefined;
  state[at + SLOTS.fine]! += 1;
  if (state[at + SLOTS.fine]! < RECOVERY_SAMPLES) return undefined;
  const passed = state[at + SLOTS.passed]!;
  if (passed < state[at + SLOTS.low]!) state[at + SLOTS.low] = passed;
  if (passed > state[at + SLOTS.high]!) state[at + SLOTS.high] = passed;
  state.fill(0, at + SLOTS.since, at + SLOTS.passed + 1);
  return {
    detector: 'reading-range',
    observed: value,
    expected: value,
    unit: context.unit,
    summary: `${context.metric} sends ordinary values again, after ${duration(timeMs - since)}.`,
    basis: `${RECOVERY_SAMPLES} samples in a row passed all tests.`,
    sinceMs: since,
    ratio: 0,
    confidence: 1,
    contributions: [],
    metric: context.metric,
    recovered: true,
  };
} // prettier-ignore

function verdictOf(breach: Breach, { metric, unit }: SeriesContext, config: ReadingRangeConfig, sinceMs: number): Verdict {
  const observed = breach.kind === 'flat' ? `${breach.observed}` : reading(breach.observed, unit);
  const expected = breach.kind === 'flat' ? `${breach.expected}` : reading(breach.expected, unit);
  const [feature, summary, basis] = {
    limit: ['value', `${metric} is ${observed}; its limit is ${expected}.`, 'Limit set in the configuration.'],
    range: ['value', `${metric} is ${observed}, far outside anything it has shown; its extreme is ${expected}.`, `Extreme of its past values; ${config.margin} spans of their range are allowed beyond, more while the series is young.`],
    flat: ['repeats', `${metric} has repeated one value ${observed} times; it never did so more than ${expected} times.`, `Longest run of one value before; alarms at ${config.flatRecord} times that, ${config.flatSamples} at least.`],
    spike: ['spike', `${metric} was ${observed} for one sample, then ${expected}.`, `The sample after it; a spike is ${config.spikeFactor} times the mean step and ${config.spikeRecord} times the largest spike before.`],
  }[breach.kind] as [string, string, string];
  const shownUnit = breach.kind === 'flat' ? 'samples' : unit;
  return {
    detector: 'reading-range', observed: breach.observed, expected: breach.expected, unit: shownUnit, summary, basis, sinceMs,
    ratio: breach.ratio, confidence: confidenceOf(breach.ratio), metric,
    contributions: [{ feature, observed: breach.observed, expected: breach.expected, unit: shownUnit, share: 1 }],
  };
} // prettier-ignore
