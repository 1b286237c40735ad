import { estimate, higherRegisters, REGISTER_WORDS } from './destination-sketch.ts';

/** Ten seconds; a window is six of them. */
export const PANE_MS = 10_000;
const WINDOW_PANES = 6;
const RING = 8;

const SERIES = 3;
const SERIES_WORDS = 4;
/** Of one pane: flows, bytes out and in, then the sketch. */
const PANE = { count: 0, bytesOut: 1, bytesIn: 2, sketch: 3, words: 3 + REGISTER_WORDS / 2 } as const;
/** A host's row behind its key, in Float64 words. */
const HOST = { newestPane: 2, windows: 3, series: 4, panes: 4 + SERIES * SERIES_WORDS } as const;
export const HOST_WORDS = HOST.panes + RING * PANE.words;
export const HOST_LAYOUT = `host 1 (${HOST_WORDS} words)`;

/** Where a host's row lies in its table: from Float64 `at` on; `words` are the same memory. */
export interface HostRow {
  f64: Float64Array;
  words: Uint32Array;
  at: number;
}

/** Adds a flow to its pane. Panes come in order for a host. */
export function addFlow(
  row: HostRow,
  pane: number,
  flow: { readonly bytesOut: number; readonly bytesIn: number; readonly place: number },
): void {
  const { f64, words, at } = row;
  const newest = f64[at + HOST.newestPane]!;
  if (pane > newest) {
    for (let p = Math.max(newest + 1, pane - RING + 1); p <= pane; p++) {
      const start = at + HOST.panes + (p % RING) * PANE.words;
      f64.fill(0, start, start + PANE.words);
    }
    f64[at + HOST.newestPane] = pane;
  }
  const base = at + HOST.panes + (pane % RING) * PANE.words;
  f64[base]! += 1;
  f64[base + PANE.bytesOut]! += flow.bytesOut;
  f64[base + PANE.bytesIn]! += flow.bytesIn;
  const register = flow.place & 63;
  const rank = flow.place >>> 6;
  const word = (base + PANE.sketch) * 2 + (register >>> 2);
  const shift = (register & 3) * 8;
  const four = words[word]!;
  if (((four >>> shift) & 255) < rank) words[word] = (four & ~(255 << shift)) | (rank << shift);
}

/** The minute that ends with a pane. */
export class HostWindow {
  count = 0;
  bytesOut = 0;
  bytesIn = 0;
  distinct = 0;
  readonly #registers = new Int32Array(REGISTER_WORDS);

  /** False where the minute holds nothing. */
  read(row: HostRow, pane: number): boolean {
    const { f64, words, at } = row;
    const newest = f64[at + HOST.newestPane]!;
    const registers = this.#registers;
    registers.fill(0);
    let count = 0;
    let bytesOut = 0;
    let bytesIn = 0;
    for (let p = pane - WINDOW_PANES + 1; p <= pane; p++) {
      if (p > newest || p <= newest - RING) continue;
      const base = at + HOST.panes + (p % RING) * PANE.words;
      if (f64[base] === 0) continue;
      count += f64[base]!;
      bytesOut += f64[base + PANE.bytesOut]!;
      bytesIn += f64[base + PANE.bytesIn]!;
      const sketch = (base + PANE.sketch) * 2;
      for (let word = 0; word < REGISTER_WORDS; word++)
        registers[word] = higherRegisters(words[sketch + word]!, registers[word]!);
    }
    this.count = count;
    this.bytesOut = bytesOut;
    this.bytesIn = bytesIn;
    if (count === 0) return false;
    this.distinct = estimate(registers);
    return true;
  }
}

/** Whether a host has a flow in the minute that ends with the pane: what has none needs no look at its panes. */
export function isInWindow(f64: Float64Array, at: number, pane: number): boolean {
  return f64[at + HOST.newestPane]! > pane - WINDOW_PANES;
}

const DRIFT = 0.5;
const THRESHOLD = 8;
const ALPHA = 0.1;
const LEAST_DEVIATION = 0.1;
const Z_LIMIT = 10;
/** Windows that are not full and are skipped; windows, with them, that only teach. */
const SKIPPED = 6;
const TAUGHT = 10;

/**
 * One step of a host's three series (log1p of flows, bytes out and distinct destinations of the last minute): EWMA mean
 * and variance and a two-sided CUSUM; the baseline is frozen while a sum is above half of the threshold. Gives a bit for
 * each series that raises an alarm.
 */
export function stepDetector(f64: Float64Array, at: number, window: HostWindow): number {
  const windows = (f64[at + HOST.windows]! += 1);
  if (windows <= SKIPPED) return 0;
  let alarms = 0;
  for (let series = 0; series < SERIES; series++) {
    const value = Math.log1p(series === 0 ? window.count : series === 1 ? window.bytesOut : window.distinct);
    const mean = at + HOST.series + series * SERIES_WORDS;
    const variance = mean + 1;
    const up = mean + 2;
    const down = mean + 3;
    if (windows === SKIPPED + 1) {
      f64[mean] = value;
      continue;
    }
    const difference = value - f64[mean]!;
    if (windows > TAUGHT) {
      const deviation = Math.max(LEAST_DEVIATION, Math.sqrt(f64[variance]!));
      const z = Math.max(-Z_LIMIT, Math.min(Z_LIMIT, difference / deviation));
      const upSum = Math.max(0, f64[up]! + z - DRIFT);
      const downSum = Math.max(0, f64[down]! - z - DRIFT);
      if (upSum > THRESHOLD || downSum > THRESHOLD) {
        alarms |= 1 << series;
        f64[up] = 0;
        f64[down] = 0;
        continue;
      }
      f64[up] = upSum;
      f64[down] = downSum;
      if (upSum > THRESHOLD / 2 || downSum > THRESHOLD / 2) continue;
    }
    f64[mean]! += ALPHA * difference;
    f64[variance] = (1 - ALPHA) * (f64[variance]! + ALPHA * difference * difference);
  }
  return alarms;
}
