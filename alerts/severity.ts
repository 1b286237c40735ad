import type { Severity } from './alert.ts';

/** From least to worst; a severity's index is its rank. */
export const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[];

/** 0 informational … 4 critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** A condition that holds for this long is worse than one that passes, ms. */
const LASTING_MS = 30 * 60_000;

export interface SeverityInput {
  /** How far over its line the strongest finding is: 1 at the threshold. */
  readonly strongestRatio: number;
  /** Distinct detectors that agree. */
  readonly detectorCount: number;
  /** From when it began to the end of its last pane, ms. */
  readonly durationMs: number;
  /** A condition that stays until it recovers, such as silence: lasting by its nature. */
  readonly isHeld: boolean;
  /** 0..1 */
  readonly confidence: number;
}

/**
 * Severity of an episode. Never falls while findings are added, since none of its inputs does.
 *
 *   strongest ratio     < 2: 1     < 5: 2     < 20: 3     else 4
 *   two detectors or more agree                          + 1
 *   lasts for 30 minutes, or until it recovers (silence) + 1
 *   confidence under 0.5                                 − 1
 *
 *   sum   ≤ 0 informational   1 low   2 medium   3 high   ≥ 4 critical
 */
export function severityOf(input: SeverityInput): Severity {
  const { strongestRatio: ratio } = input;
  let sum = ratio < 2 ? 1 : ratio < 5 ? 2 : ratio < 20 ? 3 : 4;
  if (input.detectorCount >= 2) sum++;
  if (input.isHeld || input.durationMs >= LASTING_MS) sum++;
  if (input.confidence < 0.5) sum--;
  return SEVERITIES[Math.min(Math.max(sum, 0), SEVERITIES.length - 1)]!;
}

/** 0..100: rank of the severity times confidence. */
export function riskScore(severity: Severity, confidence: number): number {
  return Math.round(severityRank(severity) * 25 * confidence);
}
