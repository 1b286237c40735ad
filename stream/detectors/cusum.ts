/**
 * One step of a one-sided CUSUM: Sₜ = max(0, Sₜ₋₁ + z − k), alarm above h.
 *
 * z: standardised sample, −z for the lower side; drift k, sum and threshold h: σ. Two sides alarm falsely twice as often.
 * Source: E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954).
 */
export function cusumStep(sum: number, z: number, drift: number): number {
  return Math.max(0, sum + z - drift);
}
