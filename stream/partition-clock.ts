import { ControlKind, type Control } from '../model/event-block.ts';
import { finiteOrNull, PANE_MS } from './time.ts';

interface SourceState {
  /** Watermark by its ticks, ms; NaN until the first one. */
  timeMs: number;
  isActive: boolean;
}

/**
 * A partition's time: the lowest watermark of its active sources, by the control records in the log alone. It never goes
 * back. A source without a watermark yet holds time where it is; without an active source, time stands, and once every
 * source is closed it reaches the last one's end.
 */
export class PartitionClock {
  /** First pane that is still open: everything below is closed. −Infinity before the first tick. */
  openPane = -Infinity;
  private readonly sources = new Map<string, SourceState>();
  private latestClosedMs = -Infinity;

  /** Applies a control record and tells whether time moved on. */
  apply(control: Control): boolean {
    switch (control.kind) {
      case ControlKind.open:
      case ControlKind.tick: {
        const source = this.sources.get(control.source) ?? { timeMs: NaN, isActive: true };
        source.isActive = true;
        if (!(control.timeMs <= source.timeMs)) source.timeMs = control.timeMs;
        this.sources.set(control.source, source);
        break;
      }
      case ControlKind.idle: {
        const source = this.sources.get(control.source);
        if (source) source.isActive = false;
        break;
      }
      case ControlKind.closed:
        this.sources.delete(control.source);
        if (control.timeMs > this.latestClosedMs) this.latestClosedMs = control.timeMs;
        break;
      case ControlKind.config:
      case ControlKind.model:
      case ControlKind.end:
        return false;
    }
    return this.advance();
  }

  /** Whether a source of this name (in whatever incarnation) is open, idle ones included. */
  isParentKnown(name: string): boolean {
    for (const id of this.sources.keys()) if (id === name || id.startsWith(`${name}#`)) return true;
    return false;
  }

  /** Sources that hold time. */
  activeSources(): string[] {
    return [...this.sources].flatMap(([id, source]) => (source.isActive ? [id] : []));
  }

  save(): unknown {
    return {
      openPane: finiteOrNull(this.openPane),
      latestClosedMs: finiteOrNull(this.latestClosedMs),
      sources: [...this.sources].map(([id, s]) => [id, Number.isNaN(s.timeMs) ? null : s.timeMs, s.isActive]),
    };
  }

  restore(saved: unknown): void {
    const state = saved as {
      openPane: number | null;
      latestClosedMs: number | null;
      sources: [string, number | null, boolean][];
    };
    this.openPane = state.openPane ?? -Infinity;
    this.latestClosedMs = state.latestClosedMs ?? -Infinity;
    this.sources.clear();
    for (const [id, timeMs, isActive] of state.sources) this.sources.set(id, { timeMs: timeMs ?? NaN, isActive });
  }

  private advance(): boolean {
    let lowest = Infinity;
    let hasActive = false;
    for (const source of this.sources.values()) {
      if (!source.isActive) continue;
      hasActive = true;
      if (Number.isNaN(source.timeMs)) return false;
      if (source.timeMs < lowest) lowest = source.timeMs;
    }
    if (!hasActive) {
      if (this.sources.size > 0) return false;
      // The last source has ended: its own last pane closes as well.
      lowest = this.latestClosedMs + PANE_MS;
    }
    const pane = Math.floor(lowest / PANE_MS);
    if (!(pane > this.openPane)) return false;
    this.openPane = pane;
    return true;
  }
}
