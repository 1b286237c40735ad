import type { SilenceDetector, Verdict } from './detector.ts';
import { Deadlines } from './deadlines.ts';
import type { NameTable } from './names.ts';
import { RowTable } from './state/row-table.ts';
import { PANE_MS, paneOf } from './time.ts';

const ROW = { name: 2, parent: 3, lastMs: 4, status: 5, detector: 6 } as const;
const STATUS = { unwatched: 0, watched: 1, silent: 2 } as const;

export interface DeviceOutput {
  silence(verdict: Verdict, device: string, parent: string, paneMs: number): void;
  /** A device was seen for the first time, from this parent, in this pane. */
  child(parent: string, pane: number): void;
}

/** Signs of life of devices, and timers on event time that tell when one has stopped. Part of stage 1. */
export class Devices {
  readonly rows: RowTable;
  private readonly deadlines = new Deadlines();
  private readonly names: NameTable;
  private readonly roster: ReadonlySet<string>;
  private readonly steps: ReturnType<SilenceDetector<unknown>['create']>;

  constructor(options: {
    detector: SilenceDetector<unknown>;
    config: unknown;
    names: NameTable;
    roster: ReadonlySet<string>;
  }) {
    this.names = options.names;
    this.roster = options.roster;
    this.steps = options.detector.create(options.config);
    this.rows = new RowTable(ROW.detector + options.detector.state.slots);
  }

  /** Slot of a device; where it is new, with the parent (the source without its incarnation) that it comes from. */
  slotOf(key: Uint32Array, first: { device: string; parent: string; pane: number }, output: DeviceOutput): number {
    const { device, parent, pane } = first;
    const { rows } = this;
    const slot = rows.upsert(key[0]!, key[1]!, key[2]!, key[3]!);
    if (rows.inserted) {
      rows.open(slot);
      rows.f64[rows.at + ROW.name] = this.names.intern(device);
      rows.f64[rows.at + ROW.parent] = this.names.intern(parent);
      rows.f64[rows.at + ROW.lastMs] = -Infinity;
      output.child(parent, pane);
    }
    return slot;
  }

  beat(slot: number, timeMs: number, output: DeviceOutput): void {
    const { rows } = this;
    rows.open(slot);
    const { f64, at } = rows;
    // Several metrics of one moment are one sign of life; what is out of order says nothing about a gap.
    if (timeMs <= f64[at + ROW.lastMs]!) return;
    const context = this.contextOf(slot);
    if (f64[at + ROW.status] === STATUS.watched) {
      // The record itself may be what moves time past the deadline: then the silence came first.
      const deadline = this.steps.deadline(f64, at + ROW.detector, context);
      if (timeMs > deadline) this.fall(slot, deadline, output);
    }
    f64[at + ROW.lastMs] = timeMs;
    const recovery = this.steps.beat(timeMs, f64, at + ROW.detector, context);
    if (f64[at + ROW.status] === STATUS.silent) {
      if (recovery)
        output.silence(recovery, context.device, this.names.text(f64[at + ROW.parent]!), paneOf(timeMs) * PANE_MS);
      f64[at + ROW.status] = STATUS.unwatched;
    }
    // A timer is only ever of a watched device: one that stops being watched here must be able to start again.
    const deadline = this.steps.deadline(f64, at + ROW.detector, context);
    if (deadline === Infinity) f64[at + ROW.status] = STATUS.unwatched;
    else if (f64[at + ROW.status] === STATUS.unwatched) {
      f64[at + ROW.status] = STATUS.watched;
      this.deadlines.push(deadline, slot);
    }
  }

  /** Pane at whose close the next timer may run out. */
  nextDue(): number {
    return this.deadlines.size === 0 ? Infinity : paneOf(this.deadlines.nextMs);
  }

  /** Runs the timers that end in or before the pane. Devices of sources that aren't active any more are not judged. */
  closePane(pane: number, isParentOpen: (parent: string) => boolean, output: DeviceOutput): void {
    const endMs = (pane + 1) * PANE_MS;
    const { rows } = this;
    while (this.deadlines.nextMs < endMs) {
      const slot = this.deadlines.pop();
      if (!rows.isLive(slot)) continue;
      rows.open(slot);
      const { f64, at } = rows;
      if (f64[at + ROW.status] !== STATUS.watched) continue;
      const deadline = this.steps.deadline(f64, at + ROW.detector, this.contextOf(slot));
      // Only at the deadline itself, not at an older timer: after a restore there are no older ones.
      if (deadline >= endMs) this.deadlines.push(deadline, slot);
      else if (isParentOpen(this.names.text(f64[at + ROW.parent]!))) this.fall(slot, deadline, output);
      else f64[at + ROW.status] = STATUS.unwatched;
    }
  }

  /** A source is closed: what its devices do from now on is not known, so none of them is judged until it is back. */
  leave(parent: string): void {
    const { rows } = this;
    for (let slot = 0; slot < rows.slotLimit; slot++) {
      if (!rows.isLive(slot)) continue;
      rows.peek(slot);
      if (rows.f64[rows.at + ROW.status] !== STATUS.watched) continue;
      if (this.names.text(rows.f64[rows.at + ROW.parent]!) !== parent) continue;
      rows.open(slot);
      rows.f64[rows.at + ROW.status] = STATUS.unwatched;
    }
  }

  /** The timers, made again from the rows. */
  rebuildDeadlines(): void {
    this.deadlines.clear();
    const { rows } = this;
    for (let slot = 0; slot < rows.slotLimit; slot++) {
      if (!rows.isLive(slot)) continue;
      rows.peek(slot);
      if (rows.f64[rows.at + ROW.status] !== STATUS.watched) continue;
      this.deadlines.push(this.steps.deadline(rows.f64, rows.at + ROW.detector, this.contextOf(slot)), slot);
    }
  }

  /** Words of a row that are numbers of names: not part of a digest. */
  readonly nameWords: readonly number[] = [ROW.name, ROW.parent];

  private fall(slot: number, deadlineMs: number, output: DeviceOutput): void {
    const { rows } = this;
    rows.open(slot);
    const { f64, at } = rows;
    const context = this.contextOf(slot);
    const verdict = this.steps.silent(deadlineMs, f64, at + ROW.detector, context);
    rows.open(slot);
    f64[at + ROW.status] = STATUS.silent;
    output.silence(verdict, context.device, this.names.text(f64[at + ROW.parent]!), paneOf(deadlineMs) * PANE_MS);
  }

  private contextOf(slot: number): { device: string; isOnRoster: boolean } {
    this.rows.open(slot);
    const device = this.names.text(this.rows.f64[this.rows.at + ROW.name]!);
    return { device, isOnRoster: this.roster.has(device) };
  }
}
