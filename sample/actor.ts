import type { Emit } from './network-records.ts';
import { DAY_MS } from './incidents.ts';
import type { Random } from './random.ts';

/**
 * Something that causes traffic: acts at `firstMs`, then at each time that `act` returns, ms from midnight; Infinity
 * ends it. What it emits starts no earlier than the time at which it acts.
 */
export interface Actor {
  readonly firstMs: number;
  act(nowMs: number, emit: Emit): number;
}

/**
 * An actor that does something on average every `meanGapMs` while `activity` is 1, less often in proportion where it
 * is below (a Poisson process, thinned).
 */
export function poissonActor(
  random: Random,
  rate: { readonly meanGapMs: number; readonly activity?: (timeMs: number) => number },
  doSomething: (nowMs: number, emit: Emit) => void,
): Actor {
  const next = (afterMs: number): number => {
    let timeMs = afterMs;
    while (timeMs < DAY_MS) {
      timeMs += random.wait(rate.meanGapMs);
      if (rate.activity === undefined || random.chance(rate.activity(timeMs))) return timeMs;
    }
    return Infinity;
  };
  return {
    firstMs: next(0),
    act: (nowMs, emit) => {
      doSomething(nowMs, emit);
      return next(nowMs);
    },
  };
}

/** An actor that does something every `intervalMs`, give or take `jitterMs`. */
export function regularActor(
  random: Random,
  rhythm: { readonly firstMs: number; readonly intervalMs: number; readonly jitterMs: number },
  doSomething: (nowMs: number, emit: Emit) => void,
): Actor {
  let turnMs = rhythm.firstMs;
  return {
    firstMs: rhythm.firstMs,
    act: (nowMs, emit) => {
      doSomething(nowMs, emit);
      turnMs += rhythm.intervalMs;
      return Math.max(nowMs, turnMs + random.between(0, rhythm.jitterMs));
    },
  };
}
