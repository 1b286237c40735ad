import { VedetteError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { Episode } from './alert.ts';
import {
  addFinding,
  addRecovery,
  closeEpisode,
  type EpisodeState,
  episodeOf,
  openEpisode,
  PANE_MS,
} from './episode.ts';
import type { EpisodesOptions } from './episode-config.ts';

export type { EpisodesOptions } from './episode-config.ts';

/** What a checkpoint keeps; JSON-able. */
interface Saved {
  readonly version: 1;
  readonly open: readonly EpisodeState[];
  /** Changed and not taken yet; those still open by their uid alone. */
  readonly changed: readonly (EpisodeState | string)[];
}

/**
 * Makes episodes of findings: one for each entity and family at a time, until it was quiet for long enough or has
 * recovered. A deterministic state machine: no clock and no store. What it gives depends on the findings and their order
 * alone, not on how they are cut into calls, nor on when `takeChanged` is called: an episode's revision is the number of
 * findings and changes of state that it has taken.
 */
export class Episodes {
  readonly counters = { opened: 0, closed: 0, forced: 0 };

  readonly #options: EpisodesOptions;
  /** By entity and family. */
  readonly #open = new Map<string, EpisodeState>();
  /** By uid. */
  #changed = new Map<string, EpisodeState>();
  /** Undefined: to be computed. */
  #nextDueMs: number | undefined = Infinity;

  constructor(options: EpisodesOptions) {
    this.#options = options;
  }

  /** Open episodes. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes the findings of one pane, ordered by `compareFindings`; panes ascending. */
  take(findings: readonly Finding[]): void {
    for (const finding of findings) this.#takeOne(finding);
  }

  /** Closes what was quiet up to a time of the log, ms: the end of the pane just taken, or later. */
  advance(timeMs: number): void {
    if (this.nextDue() > timeMs) return;
    for (const [key, state] of this.#open) {
      if (state.dueMs !== null && state.dueMs <= timeMs) this.#close(key, state, state.dueMs);
    }
  }

  /** Earliest time of the log at which `advance` would close something, ms; Infinity where there is nothing to close. */
  nextDue(): number {
    if (this.#nextDueMs === undefined) {
      this.#nextDueMs = Infinity;
      for (const { dueMs } of this.#open.values()) {
        if (dueMs !== null && dueMs < this.#nextDueMs) this.#nextDueMs = dueMs;
      }
    }
    return this.#nextDueMs;
  }

  /** The input has ended, at a time of the log, ms: closes all. */
  end(timeMs: number): void {
    this.advance(timeMs);
    for (const [key, state] of this.#open) this.#close(key, state, timeMs);
  }

  /** The episodes that changed since the last call, as they are now, in the order of uid. */
  takeChanged(): Episode[] {
    if (this.#changed.size === 0) return [];
    const taken = [...this.#changed.values()].sort(byUid).map(episodeOf);
    this.#changed = new Map();
    return taken;
  }

  /** JSON-able. */
  save(): unknown {
    const saved: Saved = {
      version: 1,
      open: [...this.#open.values()].sort(byUid),
      changed: [...this.#changed.values()].sort(byUid).map((state) => (state.closedMs === null ? state.uid : state)),
    };
    return structuredClone(saved);
  }

  /** Takes over what `save` gave; all that was there before is gone. Throws {@link VedetteError} CHECKPOINT_CORRUPT. */
  restore(value: unknown): void {
    const saved = structuredClone(value) as Partial<Saved> | null;
    if (saved?.version !== 1 || !saved.open || !saved.changed) {
      throw new VedetteError('CHECKPOINT_CORRUPT', 'not the saved state of episodes, version 1');
    }
    const byId = new Map<string, EpisodeState>();
    this.#open.clear();
    this.#changed = new Map();
    this.#nextDueMs = undefined;
    for (const state of saved.open) {
      this.#open.set(keyOf(state), state);
      byId.set(state.uid, state);
    }
    for (const entry of saved.changed) {
      const state = typeof entry === 'string' ? byId.get(entry) : entry;
      if (state) this.#changed.set(state.uid, state);
    }
  }

  /** One line an open episode, in the order of uid: equal states give equal lines. */
  digest(): string[] {
    return [...this.#open.values()].sort(byUid).map((state) => {
      const reasons = Object.entries(state.reasons).sort(([a], [b]) => (a < b ? -1 : 1));
      const evidence = state.evidence.map((finding) => finding.uid);
      return JSON.stringify({ ...state, reasons, evidence });
    });
  }

  #takeOne(finding: Finding): void {
    const key = keyOf(finding);
    const quietMs = this.#options.quietMs[finding.family];
    let state = this.#open.get(key);
    if (state && state.dueMs !== null && state.dueMs <= finding.paneMs) {
      this.#close(key, state, state.dueMs);
      state = undefined;
    }
    if (finding.recovered) {
      if (state && addRecovery(state, finding, { quietMs })) this.#markChanged(state);
      return;
    }
    if (!state) {
      this.#makeRoom(finding.paneMs + PANE_MS);
      state = openEpisode(finding);
      this.#open.set(key, state);
      this.counters.opened++;
    }
    addFinding(state, finding, { quietMs, maxEvidence: this.#options.maxEvidence });
    this.#markChanged(state);
  }

  #close(key: string, state: EpisodeState, timeMs: number): void {
    closeEpisode(state, timeMs);
    this.#open.delete(key);
    this.counters.closed++;
    this.#markChanged(state);
  }

  /** A tenth at once, so that not every further episode sorts them all. */
  #makeRoom(timeMs: number): void {
    if (this.#open.size < this.#options.maxOpen) return;
    const quietest = [...this.#open].sort(([, a], [, b]) => a.lastPaneMs - b.lastPaneMs || byUid(a, b));
    for (const [key, state] of quietest.slice(0, Math.ceil(this.#options.maxOpen / 10))) {
      this.#close(key, state, timeMs);
      this.counters.forced++;
    }
  }

  #markChanged(state: EpisodeState): void {
    this.#changed.set(state.uid, state);
    this.#nextDueMs = undefined;
  }
}

function keyOf(about: { readonly entity: string; readonly family: string }): string {
  return `${about.family}\u0000${about.entity}`;
}

function byUid(a: EpisodeState, b: EpisodeState): number {
  return a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0;
}
