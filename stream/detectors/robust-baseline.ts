/**
 * Online median and MAD: what is usual for one series, in two numbers, learnt one window at a time.
 *
 *   location ← location + α·clip(y − location, ±s)
 *   MAD      ← MAD + α·clip(|y − location| − MAD, ±s)
 *   s        = 1.4826·MAD, not under `floor` and not over `ceiling`
 *   α        = max(1/(windows before + 1), slow)
 *
 * y is in log1p units. Clipping at one scale makes a single window count for its side rather than its size, so the two
 * settle between mean and median, and no window moves them by more than α·s. The first {@link UNCLIPPED_WINDOWS} are
 * averaged unclipped: until then s says nothing. The factor 1.4826 makes MAD a standard deviation under normal noise.
 *
 * Source: P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964), ψ with k = 1, as a
 * stochastic approximation (H. Robbins, S. Monro, Ann. Math. Statist. 22, 1951).
 */

/** Windows that are averaged before clipping begins. */
const UNCLIPPED_WINDOWS = 4;

const MAD_TO_SIGMA = 1.4826;

/** α of a window: a running mean at first, then exponential forgetting. `windowsBefore` ≥ 0; `slow` in 0..1. */
export function learningRate(windowsBefore: number, slow: number): number {
  return Math.max(1 / (windowsBefore + 1), slow);
}

/** s: standard deviation from MAD, in the units of the series, within the bounds. */
export function scaleOf(mad: number, bounds: ScaleBounds): number {
  return Math.min(bounds.ceiling, Math.max(bounds.floor, MAD_TO_SIGMA * mad));
}

/** Without a floor a sparse entity has MAD 0 and each window is infinitely far off; without a ceiling nothing is. */
interface ScaleBounds {
  readonly floor: number;
  readonly ceiling: number;
}

/** How far `from` moves towards `to`: by `rate`, the distance clipped to `scale` once `windowsBefore` are enough. */
export function learn(from: number, to: number, how: LearningStep): number {
  const distance = to - from;
  if (how.windowsBefore < UNCLIPPED_WINDOWS) return from + how.rate * distance;
  return from + how.rate * Math.max(-how.scale, Math.min(how.scale, distance));
}

interface LearningStep {
  readonly rate: number;
  readonly scale: number;
  readonly windowsBefore: number;
}
