import { PANE_MS } from '../model/time.ts';

/** A record this far ahead of the wall clock, or of its own source, does not move the watermark alone. */
const FUTURE_MS = 600_000;
const LEAP_MS = 86_400_000;
/** So many in a row must agree before the watermark follows them. */
const AGREEING = 3;

export interface SourceClockState {
  newestMs: number | null;
  tickMs: number | null;
  ahead: number[];
}

/**
 * The watermark of one source: its newest event time less the format's disorder, cut to a pane. Never goes back. A
 * record older than it is late. Timestamps that leap ahead (10 minutes before the wall clock's time, or a day past the
 * source's newest) move it only when three in a row agree, so that one wrong clock or forged line stops nobody's time.
 * Until then they are late as well: in a window or a device's history they would be what everything after is held
 * against. A source whose time runs ahead is followed from there on like any other.
 */
export class SourceClock {
  /** Newest event time taken; −Infinity before the first record. */
  newestMs = -Infinity;
  /** Watermark last given out, a multiple of the pane; −Infinity before the first. */
  tickMs = -Infinity;
  private ahead: number[] = [];
  private readonly disorderMs: number;

  constructor(options: { disorderMs: number }) {
    this.disorderMs = options.disorderMs;
  }

  /** Takes a record's time, and tells whether it is late. `tickMs` may rise. */
  observe(timeMs: number, wallMs: number): boolean {
    if (timeMs < this.tickMs) return true;
    if (timeMs > this.newestMs) {
      const isAhead = timeMs > Math.max(wallMs, this.newestMs) + FUTURE_MS;
      const leaps = isAhead || (this.newestMs !== -Infinity && timeMs > this.newestMs + LEAP_MS);
      if (!leaps) this.advance(timeMs);
      else {
        this.ahead.push(timeMs);
        if (this.ahead.length < AGREEING) return true;
        this.advance(Math.min(...this.ahead));
        return false;
      }
    }
    if (this.ahead.length > 0) this.ahead = [];
    return false;
  }

  /** Nothing older than this is to come: the watermark is at least there. */
  raise(timeMs: number): void {
    const tick = Math.floor(timeMs / PANE_MS) * PANE_MS;
    if (tick > this.tickMs) this.tickMs = tick;
  }

  /** End of the pane that holds the newest record: where time may go once the source is known to pause. */
  get endMs(): number {
    return this.newestMs === -Infinity ? -Infinity : (Math.floor(this.newestMs / PANE_MS) + 1) * PANE_MS;
  }

  save(): SourceClockState {
    return {
      newestMs: Number.isFinite(this.newestMs) ? this.newestMs : null,
      tickMs: Number.isFinite(this.tickMs) ? this.tickMs : null,
      ahead: [...this.ahead],
    };
  }

  restore(state: SourceClockState): void {
    this.newestMs = state.newestMs ?? -Infinity;
    this.tickMs = state.tickMs ?? -Infinity;
    this.ahead = [...state.ahead];
  }

  private advance(timeMs: number): void {
    this.ahead = [];
    this.newestMs = timeMs;
    this.raise(timeMs - this.disorderMs);
  }
}
