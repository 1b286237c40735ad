const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Events a minute of the last hour, and the rate of the last seconds, from a counter that is read now and then. */
export class ArrivalRates {
  private readonly minutes = new Map<number, number>();
  private readonly recent: { atMs: number; total: number }[] = [];
  private seen = 0;

  /** @param total events since the start; @param nowMs wall clock. */
  sample(total: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    this.minutes.set(minute, (this.minutes.get(minute) ?? 0) + total - this.seen);
    this.seen = total;
    for (const key of this.minutes.keys()) if (key <= minute - MINUTES) this.minutes.delete(key);
    this.recent.push({ atMs: nowMs, total });
    while (this.recent.length > 2 && nowMs - this.recent[0]!.atMs > 10_000) this.recent.shift();
  }

  /** Events a second over about the last ten. */
  get perSecond(): number {
    const first = this.recent[0];
    const last = this.recent.at(-1);
    if (!first || !last || last.atMs <= first.atMs) return 0;
    return ((last.total - first.total) * 1000) / (last.atMs - first.atMs);
  }

  /** The last hour, oldest first, minutes without events included. */
  lastHour(nowMs: number): { minuteMs: number; events: number }[] {
    const minute = Math.floor(nowMs / MINUTE_MS);
    return Array.from({ length: MINUTES }, (_, i) => {
      const key = minute - MINUTES + 1 + i;
      return { minuteMs: key * MINUTE_MS, events: this.minutes.get(key) ?? 0 };
    });
  }
}
