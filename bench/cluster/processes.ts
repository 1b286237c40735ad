import { readFileSync } from 'node:fs';
import { parseStat } from '../measure.ts';
import { nowMs, type Sample } from './worker-link.ts';

/** Highest resident memory of this process so far, MB as the peers count them. */
export function peakMemoryMb(): number {
  const text = readFileSync('/proc/self/status', 'utf8');
  return Math.floor(Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024);
}

interface Point {
  readonly atMs: number;
  readonly value: number;
}

const EVERY_MS = 20;

/** Processor time of a server, looked at all the time, so that it is known of any moment. */
export class ServerClock {
  readonly #points: Point[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #look: () => void;

  constructor(pid: number) {
    this.#look = () => {
      this.#points.push({ atMs: nowMs(), value: parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).seconds });
    };
    this.#look();
    this.#timer = setInterval(this.#look, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  secondsBetween(fromMs: number, toMs: number): number {
    return valueAt(this.#points, toMs) - valueAt(this.#points, fromMs);
  }
}

/** One stretch of a run: all workers together. */
export interface Stretch {
  readonly events: number;
  readonly evaluations: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The whole run, from the last moment without an event to the moment at which all workers had reported their last, and
 * its second half: from half of the events on. Between two reports the numbers are taken to rise evenly.
 */
export function stretches(
  workers: readonly (readonly Sample[])[],
  endMs?: number,
): { readonly whole: Stretch; readonly secondHalf: Stretch } {
  const toMs = endMs ?? Math.max(...workers.map((samples) => samples.at(-1)!.atMs));
  const fromMs = Math.min(...workers.map(lastIdleMs));
  const total = sumAt(workers, toMs, 'events');
  let after = toMs;
  for (let low = fromMs; after - low > 1;) {
    const middle = (low + after) / 2;
    if (sumAt(workers, middle, 'events') >= total / 2) after = middle;
    else low = middle;
  }
  const stretch = (start: number): Stretch => ({
    events: total - sumAt(workers, start, 'events'),
    evaluations: sumAt(workers, toMs, 'evaluations') - sumAt(workers, start, 'evaluations'),
    cpuSeconds: sumAt(workers, toMs, 'cpuSeconds') - sumAt(workers, start, 'cpuSeconds'),
    wallSeconds: (toMs - start) / 1000,
    fromMs: start,
    toMs,
  });
  return { whole: stretch(fromMs), secondHalf: stretch(after) };
}

function lastIdleMs(samples: readonly Sample[]): number {
  const first = samples.findIndex(({ events }) => events > 0);
  return first < 0 ? Infinity : samples[Math.max(0, first - 1)]!.atMs;
}

function sumAt(
  workers: readonly (readonly Sample[])[],
  atMs: number,
  of: 'events' | 'evaluations' | 'cpuSeconds',
): number {
  return workers.reduce(
    (sum, samples) =>
      sum +
      valueAt(
        samples.map((sample) => ({ atMs: sample.atMs, value: sample[of] })),
        atMs,
      ),
    0,
  );
}

/** Linear between two points; before the first and behind the last as there. */
function valueAt(points: readonly Point[], atMs: number): number {
  const next = points.findIndex((point) => point.atMs >= atMs);
  if (next < 0) return points.at(-1)?.value ?? 0;
  const above = points[next]!;
  const below = points[next - 1];
  if (!below || above.atMs === below.atMs) return above.value;
  return below.value + ((above.value - below.value) * (atMs - below.atMs)) / (above.atMs - below.atMs);
}
