import { FingerprintSet } from './state/fingerprint-set.ts';
import { HOST_WINDOWS } from './host-layout.ts';

const DAY_MS = 86_400_000;
const DAYS_KEPT = 7;

/**
 * Which hosts talked to whom: exact distinct counts of the running windows, and the pairs of the last seven days, to
 * tell a destination that is new for a host. Pairs have a budget a day; what is over it counts as known, and is counted.
 */
export class Contacts {
  overBudget = 0;
  private readonly windows = HOST_WINDOWS.map(() => new Map<number, FingerprintSet>());
  private readonly days = new Map<number, FingerprintSet>();
  private readonly spare: FingerprintSet[] = [];
  private readonly pairsPerDay: number;

  constructor(options: { pairsPerDay: number }) {
    this.pairsPerDay = options.pairsPerDay;
  }

  /**
   * Notes a member (a destination or a port of a host) in the windows that hold `pane`; tells in how many of them, from
   * the shortest on, it is new. A member of a window is one of the longer ones too, so the first hit ends the search.
   */
  noteWindows(pane: number, low: number, high: number): number {
    let level = 0;
    for (; level < HOST_WINDOWS.length; level++) {
      const key = Math.floor(pane / HOST_WINDOWS[level]!.panes);
      const sets = this.windows[level]!;
      let set = sets.get(key);
      if (set === undefined) sets.set(key, (set = this.spare.pop() ?? new FingerprintSet()));
      if (!set.add(low, high)) break;
    }
    return level;
  }

  /** Notes a pair and tells whether it was first seen on this day. */
  notePair(timeMs: number, low: number, high: number): 'known' | 'first' | 'today' {
    const day = Math.floor(timeMs / DAY_MS);
    let today = this.days.get(day);
    if (today === undefined) this.days.set(day, (today = new FingerprintSet()));
    if (today.count >= this.pairsPerDay && !today.has(low, high)) {
      this.overBudget++;
      return 'known';
    }
    const isFirstToday = today.add(low, high);
    for (const [other, set] of this.days) if (other < day && set.has(low, high)) return 'known';
    return isFirstToday ? 'first' : 'today';
  }

  /** Drops the sets of windows that end at or before `pane`, and days that are too old. */
  closeUpTo(pane: number, timeMs: number): void {
    HOST_WINDOWS.forEach((window, level) => {
      for (const [key, set] of this.windows[level]!) {
        if ((key + 1) * window.panes > pane) continue;
        this.windows[level]!.delete(key);
        set.clear();
        if (this.spare.length < 16) this.spare.push(set);
      }
    });
    const oldest = Math.floor(timeMs / DAY_MS) - DAYS_KEPT;
    for (const day of this.days.keys()) if (day <= oldest) this.days.delete(day);
  }

  get byteLength(): number {
    let bytes = 0;
    for (const sets of [...this.windows, this.days]) for (const set of sets.values()) bytes += set.byteLength;
    return bytes;
  }

  /** Every set by name, for checkpoints and digests. */
  entries(): [name: string, set: FingerprintSet][] {
    const all: [string, FingerprintSet][] = [];
    this.windows.forEach((sets, level) => {
      for (const [key, set] of sets) all.push([`window ${level} ${key}`, set]);
    });
    for (const [day, set] of this.days) all.push([`day 0 ${day}`, set]);
    return all;
  }

  restore(name: string, dump: Uint32Array): void {
    const [kind, level, key] = name.split(' ');
    const set = new FingerprintSet();
    set.restore(dump);
    (kind === 'day' ? this.days : this.windows[Number(level)]!).set(Number(key), set);
  }
}
