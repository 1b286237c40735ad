import type { ReadingDetector, SeriesContext, Verdict } from './detector.ts';
import type { NameTable } from './names.ts';
import { RowTable } from './state/row-table.ts';
import { MINUTE_MS, PANE_MS, paneOf } from './time.ts';

const ROW = { device: 2, metric: 3, unit: 4, lastMs: 5, detectors: 6 } as const;

/** A series' open minute. */
export const MINUTE = {
  device: 2, metric: 3, n: 4, sum: 5, min: 6, max: 7, sumOfSquares: 8, last: 9, lastMs: 10, longestGapMs: 11, words: 12,
} as const; // prettier-ignore

export interface SeriesOutput {
  finding(verdict: Verdict, device: string, paneMs: number): void;
  minute(startMs: number, device: string, metric: string, state: Float64Array, at: number): void;
}

/** Series of readings, one a device and metric: detectors a sample, features a minute. Part of stage 1. */
export class Series {
  readonly rows: RowTable;
  readonly minutes = new Map<number, RowTable>();
  readonly counters = { outOfOrder: 0, samples: 0 };
  private readonly names: NameTable;
  private readonly placed: { at: number; steps: ReturnType<ReadingDetector<unknown>['create']> }[] = [];
  private readonly sample = { timeMs: 0, value: 0 };
  private readonly spare: RowTable[] = [];

  constructor(options: {
    detectors: readonly { detector: ReadingDetector<unknown>; config: unknown }[];
    names: NameTable;
  }) {
    this.names = options.names;
    let at: number = ROW.detectors;
    for (const { detector, config } of options.detectors) {
      this.placed.push({ at, steps: detector.create(config) });
      at += detector.state.slots;
    }
    this.rows = new RowTable(at);
  }

  /** Words of rows that are numbers of names: not part of a digest. */
  readonly nameWords: readonly number[] = [ROW.device, ROW.metric, ROW.unit];

  slotOf(key: Uint32Array, context: SeriesContext): number {
    const slot = this.rows.upsert(key[0]!, key[1]!, key[2]!, key[3]!);
    if (this.rows.inserted) {
      this.rows.open(slot);
      const { f64, at } = this.rows;
      f64[at + ROW.device] = this.names.intern(context.device);
      f64[at + ROW.metric] = this.names.intern(context.metric);
      f64[at + ROW.unit] = this.names.intern(context.unit);
      f64[at + ROW.lastMs] = -Infinity;
    }
    return slot;
  }

  add(slot: number, timeMs: number, value: number, output: SeriesOutput): void {
    const { rows } = this;
    this.counters.samples++;
    rows.open(slot);
    const { f64, at } = rows;
    const previousMs = f64[at + ROW.lastMs]!;
    this.addToMinute(slot, timeMs, value, previousMs);
    if (timeMs <= previousMs) {
      this.counters.outOfOrder++;
      return;
    }
    f64[at + ROW.lastMs] = timeMs;
    const context = this.contextOf(slot);
    this.sample.timeMs = timeMs;
    this.sample.value = value;
    for (const placed of this.placed) {
      const verdict = placed.steps.sample(this.sample, f64, at + placed.at, context);
      if (verdict) output.finding({ ...verdict, metric: context.metric }, context.device, paneOf(timeMs) * PANE_MS);
    }
  }

  nextDue(): number {
    let due = Infinity;
    for (const minute of this.minutes.keys()) due = Math.min(due, minute * 6 + 5);
    return due;
  }

  closePane(pane: number, output: SeriesOutput): void {
    if ((pane + 1) % 6 !== 0) return;
    const minute = Math.floor(pane / 6);
    const table = this.minutes.get(minute);
    if (!table) return;
    this.minutes.delete(minute);
    for (let slot = 0; slot < table.slotLimit; slot++) {
      table.peek(slot);
      const device = this.names.text(table.f64[table.at + MINUTE.device]!);
      const metric = this.names.text(table.f64[table.at + MINUTE.metric]!);
      output.minute(minute * MINUTE_MS, device, metric, table.f64, table.at);
    }
    table.clear();
    if (this.spare.length < 4) this.spare.push(table);
  }

  /** An empty table of a minute, put in its place. */
  openMinute(minute: number): RowTable {
    let table = this.minutes.get(minute);
    if (!table)
      this.minutes.set(minute, (table = this.spare.pop() ?? new RowTable(MINUTE.words, { pageBytes: 4_096 })));
    return table;
  }

  private addToMinute(slot: number, timeMs: number, value: number, previousMs: number): void {
    const table = this.openMinute(Math.floor(timeMs / MINUTE_MS));
    const keys = this.rows.keyWords(slot);
    const keyAt = this.rows.keyAt(slot);
    const from = this.rows.f64;
    const fromAt = this.rows.at;
    const row = table.upsert(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!);
    const isNew = table.inserted;
    table.open(row);
    const { f64, at } = table;
    if (isNew) {
      f64[at + MINUTE.device] = from[fromAt + ROW.device]!;
      f64[at + MINUTE.metric] = from[fromAt + ROW.metric]!;
      f64[at + MINUTE.min] = Infinity;
      f64[at + MINUTE.max] = -Infinity;
      f64[at + MINUTE.lastMs] = -Infinity;
    }
    f64[at + MINUTE.n]!++;
    f64[at + MINUTE.sum]! += value;
    f64[at + MINUTE.sumOfSquares]! += value * value;
    if (value < f64[at + MINUTE.min]!) f64[at + MINUTE.min] = value;
    if (value > f64[at + MINUTE.max]!) f64[at + MINUTE.max] = value;
    if (timeMs >= f64[at + MINUTE.lastMs]!) {
      f64[at + MINUTE.lastMs] = timeMs;
      f64[at + MINUTE.last] = value;
    }
    const gap = timeMs - previousMs;
    if (gap < Infinity && gap > f64[at + MINUTE.longestGapMs]!) f64[at + MINUTE.longestGapMs] = gap;
  }

  private contextOf(slot: number): SeriesContext {
    this.rows.open(slot);
    const { f64, at } = this.rows;
    return {
      device: this.names.text(f64[at + ROW.device]!),
      metric: this.names.text(f64[at + ROW.metric]!),
      unit: this.names.text(f64[at + ROW.unit]!),
    };
  }
}
