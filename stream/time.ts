import { PANE_MS } from '../model/time.ts';

export { PANE_MS };
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** Number of the pane that holds a moment. */
export function paneOf(timeMs: number): number {
  return Math.floor(timeMs / PANE_MS);
}

/** For JSON, which has no infinities. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
