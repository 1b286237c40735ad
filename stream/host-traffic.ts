import type { HostDetector, HostWindow, LargeFlow, Verdict } from './detector.ts';
import { AddressContext } from './address-context.ts';
import { Contacts } from './contacts.ts';
import type { EventColumnsView } from './event-columns-view.ts';
import { FlowIntake, type LargeFlowCandidate, type OpenPane } from './flow-intake.ts';
import { COLD, F, HOST_MINUTE, HOST_WINDOWS, HOT, TARGET_KINDS, WINDOW_LENGTH } from './host-layout.ts';
import { CarriedRows } from './state/carried-rows.ts';
import { FingerprintSet } from './state/fingerprint-set.ts';
import { PackedSlots } from './state/packed-slots.ts';
import { RowTable } from './state/row-table.ts';
import { HOUR_MS, PANE_MS } from './time.ts';
import { EventClass } from '../model/event-columns.ts';

/** A detector made from its configuration, with the place of its slots in the host's cold row, in u32 words. */
interface PlacedDetector {
  readonly at: number;
  readonly slots: PackedSlots;
  readonly steps: ReturnType<HostDetector<unknown>['create']>;
}

/** What the traffic of hosts gives out while time moves on. */
export interface HostOutput {
  finding(verdict: Verdict, host: string, paneMs: number): void;
  /** One finished window's features in the order of their table, of the host whose address is `key[keyAt…]`. */
  window(level: number, startMs: number, key: Uint32Array, keyAt: number, features: Float64Array): void;
  /** A closed pane of targets, to be merged by stage 2. */
  targets(pane: number, targets: CarriedRows): void;
}

export interface HostTrafficOptions {
  readonly detectors: readonly { detector: HostDetector<unknown>; config: unknown }[];
  readonly maxHosts: number;
  /** Hosts not seen before that may get state in a minute; the rest is counted. */
  readonly newHostsPerMinute: number;
  /** Pairs of host and peer (and of host and port) that are remembered. */
  readonly maxPairs: number;
  readonly groupOf: (key: Uint32Array, keyAt: number) => string;
  /** Hosts whose windows are closed in one step. Default {@link HOSTS_A_STEP}. */
  readonly hostsAStep?: number;
}

const PANES_A_MINUTE = HOST_WINDOWS[0].panes;
/** Of tables that are there by the dozen: a site of few hosts has one page of each. */
const PAGE_BYTES = 16_384;
/** Some 10 ms, and a record of features. */
const HOSTS_A_STEP = 2048;

/**
 * Internal hosts' own traffic: windows of 1 m, 5 m and 1 h, and the detectors on them. Part of stage 1.
 *
 * Targets are summed a pane, hosts a minute, since nothing asks for a shorter window of theirs: with the five minutes
 * of disorder that Zeek has, a busy host lies in six open minutes, where it would lie in thirty open panes.
 */
export class HostTraffic {
  readonly cold: RowTable;
  readonly hot = new CarriedRows(HOT.kinds);
  readonly contacts: Contacts;
  readonly panes = new Map<number, OpenPane>();
  /** Rows of hosts of open minutes, see HOST_MINUTE. */
  readonly minutes = new Map<number, CarriedRows>();
  readonly counters = { evicted: 0, refusedNew: 0, minuteEvaluations: 0 };
  private readonly placed: readonly PlacedDetector[];
  private readonly intake: FlowIntake;
  private readonly options: HostTrafficOptions;
  private readonly hostsAStep: number;
  private readonly spare: OpenPane[] = [];
  private readonly spareMinutes: CarriedRows[] = [];
  /** Slots of `hot` with something in the running window of each level above the first. */
  private readonly running: number[][] = HOST_WINDOWS.map(() => []);
  /** Part of the state: how many are still let in must not depend on a restart. */
  newInMinute = { minute: -1, count: 0 };
  /** NaN: none. */
  private lastPane = NaN;
  private readonly last = {} as { open: OpenPane; hosts: CarriedRows };
  /** The minute's row that was read last, and its features. */
  private readonly minute = new Float64Array(HOST_MINUTE.fields);
  private readonly minuteFeatures = this.minute.subarray(0, WINDOW_LENGTH);
  /** The hot row that was read last, the features of each longer window, and what is to be added to one. */
  private readonly hotRow = new Float64Array(HOT.kinds.length);
  private readonly longer = HOST_WINDOWS.map((_window, level) =>
    level === 0 ? this.minuteFeatures : this.hotRow.subarray(HOT.window(level), HOT.window(level) + WINDOW_LENGTH),
  );
  private readonly added = new Float64Array(WINDOW_LENGTH);

  constructor(options: HostTrafficOptions) {
    this.options = options;
    this.hostsAStep = options.hostsAStep ?? HOSTS_A_STEP;
    let at: number = COLD.detectors;
    this.placed = options.detectors.map(({ detector, config }) => {
      const placed = { at, slots: new PackedSlots(detector.state.slots), steps: detector.create(config) };
      at += placed.slots.words;
      return placed;
    });
    this.cold = new RowTable(Math.ceil(at / 2));
    this.contacts = new Contacts({ maxPairs: options.maxPairs });
    const largeFlowBytes = Math.min(...this.placed.map(({ steps }) => (steps.flow ? steps.largeFlowBytes : Infinity)));
    this.intake = new FlowIntake({ contacts: this.contacts, largeFlowBytes });
  }

  add(columns: EventColumnsView, row: number, pane: number): void {
    if (pane !== this.lastPane) {
      this.last.open = this.openPane(pane);
      this.last.hosts = this.openMinute(Math.floor(pane / PANES_A_MINUTE));
      this.lastPane = pane;
    }
    if (columns.eventClass[row] === EventClass.network) this.intake.addFlow(columns, row, pane, this.last);
    else this.intake.addDns(columns, row, this.last.hosts);
  }

  /** The next pane at whose close there is something to do, at or after `from`; Infinity where there is nothing. */
  nextDue(from: number): number {
    let due = Infinity;
    for (const pane of this.panes.keys()) if (pane < due) due = pane;
    for (const minute of this.minutes.keys()) due = Math.min(due, (minute + 1) * PANES_A_MINUTE - 1);
    HOST_WINDOWS.forEach((window, level) => {
      if (this.running[level]!.length === 0) return;
      const last = this.hot.rows.wordOf(this.running[level]![0]!, HOT.lastPane);
      due = Math.min(due, (Math.floor(last / window.panes) + 1) * window.panes - 1);
    });
    return Math.max(due, from);
  }

  /** Closes what lasts for one pane, its targets above all: every pane before it is closed. */
  closePane(pane: number, output: HostOutput): void {
    if (pane === this.lastPane) this.lastPane = NaN;
    const open = this.panes.get(pane);
    if (!open) return;
    this.panes.delete(pane);
    this.judgeLargeFlows(open.large, pane, output);
    if (open.targets.count > 0) output.targets(pane, open.targets);
    this.recycle(open);
  }

  /** Whether more hosts have windows that end with this pane than are closed in one step. */
  takesSteps(pane: number): boolean {
    if ((pane + 1) % PANES_A_MINUTE !== 0) return false;
    const minute = this.minutes.get(Math.floor(pane / PANES_A_MINUTE));
    if (minute && minute.count > this.hostsAStep) return true;
    return HOST_WINDOWS.some(
      ({ panes }, level) => (pane + 1) % panes === 0 && this.running[level]!.length > this.hostsAStep,
    );
  }

  /** Closes the windows of hosts that end with a pane, behind {@link closePane}. May be left alone at each step. */
  *closeHosts(pane: number, output: HostOutput): Generator<undefined, void> {
    if ((pane + 1) % PANES_A_MINUTE !== 0) return;
    yield* this.closeMinute(pane, output);
    for (let level = 1; level < HOST_WINDOWS.length; level++)
      if ((pane + 1) % HOST_WINDOWS[level]!.panes === 0) yield* this.closeWindow(level, pane, output);
  }

  /** The rows in `hot` of running windows, made again from the rows after a restore. */
  rebuildRunning(): void {
    HOST_WINDOWS.forEach((_window, level) => {
      if (level === 0) return;
      const running: number[] = [];
      const { rows } = this.hot;
      for (let slot = 0; slot < rows.slotLimit; slot++)
        if (rows.isLive(slot) && !this.windowIsEmpty(slot, level)) running.push(slot);
      this.running[level] = running;
    });
  }

  /** A new or recycled open pane, put in its place. */
  openPane(pane: number): OpenPane {
    let open = this.panes.get(pane);
    if (!open) {
      open = this.spare.pop() ?? {
        targets: new CarriedRows(TARGET_KINDS, { pageBytes: PAGE_BYTES }),
        sources: new FingerprintSet(),
        large: [],
      };
      this.panes.set(pane, open);
    }
    return open;
  }

  /** An empty table of a minute's hosts, put in its place. */
  openMinute(minute: number): CarriedRows {
    let hosts = this.minutes.get(minute);
    if (!hosts) {
      hosts = this.spareMinutes.pop() ?? new CarriedRows(HOST_MINUTE.kinds, { pageBytes: PAGE_BYTES });
      this.minutes.set(minute, hosts);
    }
    return hosts;
  }

  private recycle(open: OpenPane): void {
    if (this.spare.length >= 8) return;
    open.targets.clear();
    open.sources.clear();
    open.large.length = 0;
    this.spare.push(open);
  }

  /** The host's cold row, made where it was missing; −1 where too many hosts are new in this minute. */
  private coldSlot(keys: Uint32Array, keyAt: number, pane: number): number {
    const { cold } = this;
    const found = cold.find(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!);
    if (found >= 0) return found;
    const minute = Math.floor(pane / PANES_A_MINUTE);
    if (this.newInMinute.minute !== minute) this.newInMinute = { minute, count: 0 };
    if (this.newInMinute.count >= this.options.newHostsPerMinute) return -1;
    this.newInMinute.count++;
    const slot = cold.upsert(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!);
    cold.open(slot);
    cold.u32[cold.at * 2 + COLD.firstSeen] = minute * PANES_A_MINUTE;
    return slot;
  }

  /** The window of 1 m of every host, added to the longer ones; `pane` is the minute's last. */
  private *closeMinute(pane: number, output: HostOutput): Generator<undefined, void> {
    const minute = Math.floor(pane / PANES_A_MINUTE);
    const hosts = this.minutes.get(minute);
    if (!hosts) return;
    this.minutes.delete(minute);
    const { hot, cold } = this;
    const { rows } = hosts;
    const startMs = minute * PANES_A_MINUTE * PANE_MS;
    for (let slot = 0; slot < rows.slotLimit; slot++) {
      if (slot > 0 && slot % this.hostsAStep === 0) yield undefined;
      const keys = rows.keyWords(slot);
      const keyAt = rows.keyAt(slot);
      const coldSlot = this.coldSlot(keys, keyAt, pane);
      if (coldSlot < 0) {
        this.counters.refusedNew++;
        continue;
      }
      cold.open(coldSlot);
      cold.u32[cold.at * 2 + COLD.lastSeen] = pane + 1;
      hosts.read(slot, this.minute);
      output.window(0, startMs, keys, keyAt, this.minuteFeatures);
      const hotSlot = hot.openKey(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!);
      hot.rows.u32[hot.rows.at * 2 + HOT.lastPane] = pane;
      this.counters.minuteEvaluations++;
      for (let level = 1; level < HOST_WINDOWS.length; level++) {
        if (this.windowIsEmpty(hotSlot, level)) this.running[level]!.push(hotSlot);
        this.addMinute(level);
      }
      hot.read(hotSlot, this.hotRow);
      this.judgeHour(coldSlot, pane, { isOver: false }, output);
    }
    hosts.clear();
    if (this.spareMinutes.length < 8) this.spareMinutes.push(hosts);
  }

  /** Adds the minute's row that was read to a longer window of the open hot row. */
  private addMinute(level: number): void {
    const { minute, added } = this;
    added.set(this.minuteFeatures);
    added[F.distinctDestinations] = minute[HOST_MINUTE.destinations + level - 1]!;
    added[F.distinctPorts] = minute[HOST_MINUTE.ports + level - 1]!;
    this.hot.add(added, HOT.window(level));
  }

  /** A row has flows or queries in every window that it has been added to. */
  private windowIsEmpty(hotSlot: number, level: number): boolean {
    const first = HOT.window(level);
    return this.hot.valueOf(hotSlot, first + F.flows) === 0 && this.hot.valueOf(hotSlot, first + F.dnsQueries) === 0;
  }

  private judgeLargeFlows(flows: readonly LargeFlowCandidate[], pane: number, output: HostOutput): void {
    if (flows.length === 0) return;
    const ordered = [...flows].sort(
      (a, b) => a.timeMs - b.timeMs || a.bytesOut - b.bytesOut || (a.peer < b.peer ? -1 : 1),
    );
    for (const flow of ordered) {
      const slot = this.coldSlot(Uint32Array.from(flow.key), 0, pane);
      if (slot < 0) continue;
      const large: LargeFlow = flow;
      const words = this.cold.keyWords(slot);
      const row = this.cold.keyAt(slot);
      for (const { at, slots, steps } of this.placed) {
        if (!steps.flow || flow.bytesOut < steps.largeFlowBytes) continue;
        slots.load(words, row + at);
        const context = { entity: flow.host, group: this.groupAt(slot) };
        const verdict = steps.flow(large, slots.values, 0, context);
        this.cold.open(slot);
        slots.store(words, row + at);
        if (verdict) output.finding({ ...verdict, peer: verdict.peer ?? flow.peer }, flow.host, pane * PANE_MS);
      }
    }
  }

  private groupAt(coldSlot: number): string {
    return this.options.groupOf(this.cold.keyWords(coldSlot), this.cold.keyAt(coldSlot));
  }

  private *closeWindow(level: number, pane: number, output: HostOutput): Generator<undefined, void> {
    const running = this.running[level]!;
    if (running.length === 0) return;
    this.running[level] = [];
    const { hot } = this;
    const startMs = (pane + 1 - HOST_WINDOWS[level]!.panes) * PANE_MS;
    const isHour = level === HOST_WINDOWS.length - 1;
    for (const [i, slot] of running.entries()) {
      if (i > 0 && i % this.hostsAStep === 0) yield undefined;
      const keys = hot.rows.keyWords(slot);
      const keyAt = hot.rows.keyAt(slot);
      hot.read(slot, this.hotRow);
      output.window(level, startMs, keys, keyAt, this.longer[level]!);
      if (isHour) {
        const coldSlot = this.cold.find(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!);
        if (coldSlot >= 0) this.judgeHour(coldSlot, pane, { isOver: true }, output);
      }
      hot.rows.open(slot);
      hot.zero(HOT.window(level), WINDOW_LENGTH);
    }
    if (isHour) this.cool(pane);
  }

  /** The hour so far at each minute's close, and the whole of it when it ends and detectors learn: of the hot row read. */
  private judgeHour(slot: number, pane: number, hour: { isOver: boolean }, output: HostOutput): void {
    const { cold } = this;
    const window = outsideWindow(this.longer.at(-1)!);
    const endMs = (pane + 1) * PANE_MS;
    const hourStartMs = Math.floor((endMs - 1) / HOUR_MS) * HOUR_MS;
    const words = cold.keyWords(slot);
    const row = cold.keyAt(slot);
    const context = new AddressContext(words, row, this.groupAt(slot));
    cold.open(slot);
    for (const { at, slots, steps } of this.placed) {
      if (hour.isOver ? !steps.hour : !steps.running) continue;
      slots.load(words, row + at);
      if (hour.isOver) steps.hour?.(window, hourStartMs, slots.values, 0, context);
      else {
        const verdict = steps.running?.(window, hourStartMs, endMs, slots.values, 0, context);
        if (verdict) output.finding(verdict, context.entity, pane * PANE_MS);
      }
      slots.store(words, row + at);
    }
  }

  /** Drops the hot rows of hosts quiet for an hour, and the oldest cold rows over the limit. */
  private cool(pane: number): void {
    const { rows } = this.hot;
    for (let slot = 0; slot < rows.slotLimit; slot++)
      if (rows.isLive(slot) && pane - rows.wordOf(slot, HOT.lastPane) >= HOST_WINDOWS[2].panes) this.hot.remove(slot);
    const over = this.cold.count - this.options.maxHosts;
    if (over <= 0) return;
    for (const slot of this.cold.lowestByWord(COLD.lastSeen, over)) this.cold.remove(slot);
    this.counters.evicted += over;
  }
}

/** The window as detectors take it; bytes are those exchanged with the outside. */
function outsideWindow(features: Float64Array): HostWindow {
  return {
    flows: features[F.flows]!,
    failed: features[F.failed]!,
    bytesOut: features[F.outsideBytesOut]!,
    bytesIn: features[F.outsideBytesIn]!,
    packetsOut: features[F.packetsOut]!,
    packetsIn: features[F.packetsIn]!,
    largestFlowOut: features[F.largestFlowOut]!,
    distinctDestinations: features[F.distinctDestinations]!,
    distinctPorts: features[F.distinctPorts]!,
    newDestinations: features[F.newDestinations]!,
    dnsQueries: features[F.dnsQueries]!,
    nxdomain: features[F.nxdomain]!,
  };
}
