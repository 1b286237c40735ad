import { RowTable } from './state/row-table.ts';

const PANES_A_MINUTE = 6;
const MINUTES_A_SPAN = 5;
const PANES_AN_HOUR = 360;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS_KEPT = 7;
/** Minutes that a row remembers one by one. */
const MINUTES_KEPT = 32;
/** Row: a 64-bit fingerprint as the key, then four u32. */
const ROW_WORDS = 3;
const ROW = { minute: 2, minutes: 3, hour: 4, days: 5 } as const;

/** Whether a host met a destination before: never within seven days before today, first today, or yes. */
export type Acquaintance = 'first' | 'today' | 'known';

/**
 * Which hosts talked to whom and to which ports: exact distinct counts of the running windows (1 m, 5 m, 1 h), and
 * whether a destination is new for a host. One row of 24 bytes a pair, found once a flow: the latest minute with a mask
 * of the 31 before it, the latest hour and whether the one before it, the latest two days. Two pairs fall together once
 * in 2^64/n² tables. Exact while records are less than 26 minutes out of order.
 *
 * The pairs have a budget; what is over it is counted, and counts as met before.
 */
export class Contacts {
  readonly pairs = new RowTable(ROW_WORDS, { shortKeys: true });
  readonly ports = new RowTable(ROW_WORDS, { shortKeys: true });
  overBudget = 0;
  /** In how many windows, from the shortest on, what was noted last is new: 0 to 3. */
  newIn = 0;
  private readonly maxPairs: number;
  private cleanedHour = -Infinity;
  private cleanedDay = -Infinity;

  constructor(options: { maxPairs: number }) {
    this.maxPairs = options.maxPairs;
  }

  /** Notes a flow of a host with a peer: `low` and `high` are the pair's fingerprint. Sets {@link newIn}. */
  noteDestination(pane: number, timeMs: number, low: number, high: number): Acquaintance {
    const { pairs } = this;
    const slot = this.note(pairs, pane, low, high);
    if (slot < 0) return 'known';
    const words = pairs.keyWords(slot);
    const at = pairs.keyAt(slot);
    const day = Math.floor(timeMs / DAY_MS);
    const latest = words[at + ROW.days]! >>> 16;
    const before = words[at + ROW.days]! & 0xffff;
    if (day > latest) {
      pairs.open(slot);
      words[at + ROW.days] = (day << 16) | latest;
      return latest !== 0 && latest >= day - DAYS_KEPT ? 'known' : 'first';
    }
    return before !== 0 && before >= day - DAYS_KEPT ? 'known' : 'today';
  }

  /** Notes a port that a host connected to. Sets {@link newIn}. */
  notePort(pane: number, low: number, high: number): void {
    this.note(this.ports, pane, low, high);
  }

  /** Drops what no window and no day needs any more. */
  closeUpTo(timeMs: number): void {
    const hour = Math.floor(timeMs / HOUR_MS);
    if (hour > this.cleanedHour) {
      this.cleanedHour = hour;
      drop(this.ports, (words, at) => words[at + ROW.hour]! >>> 1 < hour - 1);
    }
    const day = Math.floor(timeMs / DAY_MS);
    if (day > this.cleanedDay) {
      this.cleanedDay = day;
      drop(this.pairs, (words, at) => words[at + ROW.days]! >>> 16 < day - DAYS_KEPT);
    }
  }

  get byteLength(): number {
    return this.pairs.byteLength + this.ports.byteLength;
  }

  /** Slot of the pair, −1 over the budget. */
  private note(table: RowTable, pane: number, low: number, high: number): number {
    const minute = Math.floor(pane / PANES_A_MINUTE);
    const hour = Math.floor(pane / PANES_AN_HOUR);
    let slot = table.find(low, high, 0, 0);
    if (slot < 0) {
      if (table.count >= this.maxPairs) {
        this.overBudget++;
        this.newIn = 0;
        return -1;
      }
      slot = table.upsert(low, high, 0, 0);
      const words = table.keyWords(slot);
      const at = table.keyAt(slot);
      words[at + ROW.minute] = minute;
      words[at + ROW.minutes] = 1;
      words[at + ROW.hour] = hour * 2;
      words[at + ROW.days] = 0;
      this.newIn = 3;
      return slot;
    }
    const words = table.keyWords(slot);
    const at = table.keyAt(slot);
    const latest = words[at + ROW.minute]!;
    const mask = words[at + ROW.minutes]!;
    const back = latest - minute;
    if (back >= 0 && (back >= MINUTES_KEPT || ((mask >>> back) & 1) === 1)) {
      this.newIn = 0;
      return slot;
    }
    this.newIn = this.isInSpan(latest, mask, minute) ? 1 : isInHour(words[at + ROW.hour]!, hour) ? 2 : 3;
    table.open(slot);
    if (back >= 0) words[at + ROW.minutes] = mask | (1 << back);
    else {
      words[at + ROW.minute] = minute;
      words[at + ROW.minutes] = -back >= MINUTES_KEPT ? 1 : (mask << -back) | 1;
    }
    const latestHour = words[at + ROW.hour]! >>> 1;
    if (hour > latestHour) words[at + ROW.hour] = hour * 2 + (hour === latestHour + 1 ? 1 : 0);
    else if (hour === latestHour - 1) words[at + ROW.hour] = words[at + ROW.hour]! | 1;
    return slot;
  }

  /** Whether the mask has a minute of the five-minute window that holds `minute`. */
  private isInSpan(latest: number, mask: number, minute: number): boolean {
    const first = minute - (minute % MINUTES_A_SPAN);
    const from = Math.max(0, latest - (first + MINUTES_A_SPAN - 1));
    const to = Math.min(MINUTES_KEPT - 1, latest - first);
    if (to < from) return false;
    const bits = to - from + 1;
    return ((mask >>> from) & (bits >= 32 ? -1 : (1 << bits) - 1)) !== 0;
  }
}

/** `word`: the latest hour, doubled, and 1 where the hour before it was one too. */
function isInHour(word: number, hour: number): boolean {
  const latest = word >>> 1;
  return hour === latest || (hour === latest - 1 && (word & 1) === 1) || hour < latest - 1;
}

function drop(table: RowTable, isOld: (words: Uint32Array, at: number) => boolean): void {
  for (let slot = 0; slot < table.slotLimit; slot++)
    if (table.isLive(slot) && isOld(table.keyWords(slot), table.keyAt(slot))) table.remove(slot);
}
