import { z } from 'zod';

import { ATTACK } from '../../model/attack.ts';
import type { ReadingDetector, SeriesContext, Verdict } from '../detector.ts';
import { HOUR_MS, MINUTE_MS } from '../time.ts';
import { cusumStep } from './cusum.ts';
import { confidenceOf, duration, reading } from './reading-text.ts';

const schema = z.strictObject({
  block: z.int().min(2).default(10).describe('Samples that are averaged into one step'),
  drift: z.number().nonnegative().default(1).describe('k: how far a block may be off before it counts, σ of the block means'),
  threshold: z.number().positive().default(12).describe('h: sum at which it alarms, σ of the block means'),
  clip: z.number().positive().default(4).describe('Most that a single block counts, σ of the block means'),
  record: z.number().min(1).default(3).describe('The sum must also exceed this many times the highest before (unitless)'),
  memory: z.int().min(10).default(200).describe('Length of the running mean and scale, blocks'),
  minBlocks: z.int().min(10).default(30).describe('Blocks to have seen before it may alarm'),
  minCrossings: z.int().min(1).default(20).describe('How often blocks must have changed sides of the mean before it may alarm'),
  matureMs: z.number().nonnegative().default(48 * HOUR_MS).describe('History up to which only fast shifts count, since the daily course is not known, ms'),
  fastMs: z.number().nonnegative().default(3 * MINUTE_MS).describe('Longest time in which a fast shift builds up, ms'),
  acceptMs: z.number().positive().default(6 * HOUR_MS).describe('Time after which a lasting shift is taken for the new level, ms'),
  repeatMs: z.number().nonnegative().default(5 * MINUTE_MS).describe('Least time between two findings about one shift, ms'),
}); // prettier-ignore
export type LevelCusumConfig = z.infer<typeof schema>;

const SLOTS = {
  inBlock: 0,
  sum: 1,
  blocks: 2,
  first: 3,
  /** Running mean of the block means, and their mean distance from it. */
  mean: 4,
  deviation: 5,
  high: 6,
  low: 7,
  highSince: 8,
  lowSince: 9,
  /** Highest sum of the excursion under way, and of those that ended. */
  peak: 10,
  record: 11,
  /** Changes of side; its sign is the side of the last block. */
  crossings: 12,
  /** Time of the last finding while alarmed, else 0. */
  reported: 13,
} as const;
const SLOT_COUNT = 14;

/** σ of a normal distribution by its mean absolute deviation: √(π/2). */
const SIGMA_BY_DEVIATION = Math.sqrt(Math.PI / 2);
/** The first blocks are not clipped: there is nothing to clip them by. */
const FIRST_BLOCKS = 10;
/** The sums stop here, in bounds, so that a long shift is over soon after it is over. */
const SUM_CAP = 1.5;

/**
 * Level shift: two-sided CUSUM on the means of blocks of ten samples.
 *
 *   z = clip((m − μ)/σ, ±4),   S⁺ = max(0, S⁺ + z − k),   S⁻ = max(0, S⁻ − z − k)
 *   alarm when max(S⁺, S⁻) > max(h, record · the highest S of the past)
 *
 * m: mean of a block. μ, σ: running mean and scale (mean absolute deviation · √(π/2)) of about the last 200 blocks, both
 * in the metric's unit; they stand still from half the bound on. Block means carry what samples share with their
 * neighbours, so σ is that of correlated series too. k, h: σ.
 *
 * What makes a bare CUSUM cry wolf on readings is rhythm: pumps that switch, tanks that fill, days. So the sum is held
 * against its own past, as silence holds a gap: three times the longest, steepest excursion that the series has shown.
 * Before anything counts it must have crossed its mean 20 times, and until it is two days old only shifts that build up
 * within three minutes count, which no daily course does. A sum that alarmed is learned up to its bound only; after 6 h
 * the new level is accepted and learning starts again.
 *
 * State: 14 float64 a series, O(1) a sample. A sample that is not finite is passed over.
 * Source: E. S. Page, Biometrika 41 (1954); k = 1 for whitened minute series; the factor on the record and h = 12 were
 * chosen on development series (half of BATADAL dataset03, of NAB, of SKAB valve1).
 */
export const levelCusum: ReadingDetector<LevelCusumConfig> = {
  name: 'level-cusum',
  version: '1',
  title: 'Level of readings has shifted',
  family: 'data-corruption',
  technique: ATTACK.icsSpoofReportingMessage,
  analyticType: 3,
  schema,
  state: { version: 1, slots: SLOT_COUNT },

  create(config) {
    return {
      sample({ timeMs, value }, state, at, context) {
        if (!Number.isFinite(value) || !Number.isFinite(timeMs)) return undefined;
        state[at + SLOTS.sum]! += value / config.block;
        state[at + SLOTS.inBlock]! += 1;
        if (state[at + SLOTS.inBlock]! < config.block) return undefined;
        const mean = state[at + SLOTS.sum]!;
        state[at + SLOTS.sum] = 0;
        state[at + SLOTS.inBlock] = 0;
        return step(config, state, at, timeMs, mean, context);
      },
    };
  },
};

function step(config: LevelCusumConfig, state: Float64Array, at: number, timeMs: number, blockMean: number, context: SeriesContext): Verdict | undefined {
  const blocks = (state[at + SLOTS.blocks]! += 1);
  if (blocks === 1) {
    state[at + SLOTS.first] = timeMs;
    state[at + SLOTS.mean] = blockMean;
    return undefined;
  }
  const residual = blockMean - state[at + SLOTS.mean]!;
  const isKnown = countCrossing(config, state, at, residual);
  sumUp(config, state, at, timeMs, residual);

  const isAlarmed = state[at + SLOTS.reported] !== 0;
  const sum = Math.max(state[at + SLOTS.high]!, state[at + SLOTS.low]!);
  const since = sinceOf(state, at);
  const bound = boundOf(config, state, at);
  const isMature = timeMs - state[at + SLOTS.first]! >= config.matureMs;
  const isJudged = isKnown && (isMature || timeMs - since <= config.fastMs);
  state[at + SLOTS.peak] = Math.max(state[at + SLOTS.peak]!, sum);

  const describe = (summary: string): Verdict => ({
    detector: 'level-cusum',
    observed: blockMean,
    expected: state[at + SLOTS.mean]!,
    unit: context.unit,
    summary,
    basis: `Running mean of ${Math.min(blocks, config.memory)} blocks of ${config.block} samples, σ ${reading(state[at + SLOTS.deviation]! * SIGMA_BY_DEVIATION, context.unit)}; CUSUM ${sum.toFixed(1)} σ, limit ${bound.toFixed(1)}, highest before ${state[at + SLOTS.record]!.toFixed(1)}.`,
    sinceMs: since,
    ratio: sum / bound,
    confidence: confidenceOf(sum / bound),
    contributions: [{ feature: 'level', observed: blockMean, expected: state[at + SLOTS.mean]!, unit: context.unit, share: 1 }],
    metric: context.metric,
  });

  if (sum === 0) {
    const verdict = isAlarmed ? { ...describe(`${context.metric} is back at its level.`), recovered: true as const } : undefined;
    endExcursion(state, at, isAlarmed ? bound : Infinity);
    learn(config, state, at, residual);
    return verdict;
  }
  if (isAlarmed && timeMs - since >= config.acceptMs) {
    const verdict = { ...describe(`${context.metric} has kept its new level for ${duration(timeMs - since)}; it is accepted as normal.`), recovered: true as const };
    state.fill(0, at, at + SLOT_COUNT);
    return verdict;
  }
  if (!isAlarmed && !(isJudged && sum > bound / 2)) learn(config, state, at, residual);
  if (sum <= bound || !(isAlarmed || isJudged)) return undefined;
  if (isAlarmed && timeMs - state[at + SLOTS.reported]! < config.repeatMs) return undefined;
  state[at + SLOTS.reported] = timeMs;
  const direction = residual > 0 ? 'above' : 'below';
  return describe(`${context.metric} has averaged ${reading(blockMean, context.unit)}, lastingly ${direction} its level of ${reading(state[at + SLOTS.mean]!, context.unit)}.`);
} // prettier-ignore

/** When the greater sum began to rise; where both are 0, when the one that has just ended did. */
function sinceOf(state: Float64Array, at: number): number {
  const high = state[at + SLOTS.high]!;
  const low = state[at + SLOTS.low]!;
  if (high === low) return Math.min(state[at + SLOTS.highSince]!, state[at + SLOTS.lowSince]!);
  return high > low ? state[at + SLOTS.highSince]! : state[at + SLOTS.lowSince]!;
}

function boundOf(config: LevelCusumConfig, state: Float64Array, at: number): number {
  return Math.max(config.threshold, config.record * state[at + SLOTS.record]!);
}

/** Whether the series has been seen swinging about its mean. What went on when it became so is no excursion to judge. */
function countCrossing(config: LevelCusumConfig, state: Float64Array, at: number, residual: number): boolean {
  const before = state[at + SLOTS.crossings]!;
  const side = residual === 0 ? Math.sign(before) : Math.sign(residual);
  const crossings = Math.abs(before) + (side === Math.sign(before) ? 0 : 1);
  state[at + SLOTS.crossings] = side * crossings;
  const blocks = state[at + SLOTS.blocks]!;
  const isKnown = blocks >= config.minBlocks && crossings >= config.minCrossings;
  const wasKnown = blocks > config.minBlocks && Math.abs(before) >= config.minCrossings;
  if (isKnown && !wasKnown) {
    endExcursion(state, at, Infinity);
    state[at + SLOTS.high] = 0;
    state[at + SLOTS.low] = 0;
  }
  return isKnown;
}

function sumUp(config: LevelCusumConfig, state: Float64Array, at: number, timeMs: number, residual: number): void {
  const sigma = state[at + SLOTS.deviation]! * SIGMA_BY_DEVIATION;
  const score = sigma > 0 ? Math.max(-config.clip, Math.min(config.clip, residual / sigma)) : 0;
  const cap = state[at + SLOTS.reported] === 0 ? Infinity : SUM_CAP * boundOf(config, state, at);
  if (state[at + SLOTS.high] === 0) state[at + SLOTS.highSince] = timeMs;
  if (state[at + SLOTS.low] === 0) state[at + SLOTS.lowSince] = timeMs;
  state[at + SLOTS.high] = Math.min(cap, cusumStep(state[at + SLOTS.high]!, score, config.drift));
  state[at + SLOTS.low] = Math.min(cap, cusumStep(state[at + SLOTS.low]!, -score, config.drift));
}

function endExcursion(state: Float64Array, at: number, most: number): void {
  state[at + SLOTS.record] = Math.max(state[at + SLOTS.record]!, Math.min(state[at + SLOTS.peak]!, most));
  state[at + SLOTS.peak] = 0;
  state[at + SLOTS.reported] = 0;
}

function learn(config: LevelCusumConfig, state: Float64Array, at: number, residual: number): void {
  const blocks = state[at + SLOTS.blocks]!;
  const before = state[at + SLOTS.deviation]!;
  const isFirst = blocks <= FIRST_BLOCKS;
  const distance = isFirst ? Math.abs(residual) : Math.min(Math.abs(residual), config.clip * before);
  const weight = 1 / Math.min(blocks, config.memory);
  state[at + SLOTS.mean]! += weight * residual;
  state[at + SLOTS.deviation]! += (isFirst ? 1 / (blocks - 1) : weight) * (distance - before);
}
