import { ControlKind, type Control, type EventBlock } from '../model/event-block.ts';
import { DIRECTIONS, EventClass } from '../model/event-columns.ts';
import type { Finding } from '../model/finding.ts';
import { nameKey, partitionOf } from '../model/key-hash.ts';
import { at64 } from '../model/words.ts';
import type { DetectorSpec, EntityKind, HostDetector, ReadingDetector, SilenceDetector, Verdict } from './detector.ts';
import { layoutOf } from './detector-layout.ts';
import { Devices, type DeviceOutput } from './devices.ts';
import { viewColumns, type EventColumnsView } from './event-columns-view.ts';
import { FeatureWriter, type FeatureRecords } from './feature-writer.ts';
import { hostPartition, makeFinding } from './findings.ts';
import { isTraffic, type LargeFlowCandidate } from './flow-intake.ts';
import { HOST_WINDOWS, TARGET_SUMS, WINDOW_LENGTH } from './host-layout.ts';
import { HostTraffic, type HostOutput, type HostTrafficOptions } from './host-traffic.ts';
import { NameTable } from './names.ts';
import { PartialsWriter } from './partials.ts';
import { PartitionClock } from './partition-clock.ts';
import { MINUTE, Series, type SeriesOutput } from './series.ts';
import { SlotCache, sourceName } from './slot-cache.ts';
import type { Snapshotable } from './snapshot.ts';
import type { CarriedRows } from './state/carried-rows.ts';
import type { FingerprintSet } from './state/fingerprint-set.ts';
import type { RowTable } from './state/row-table.ts';
import { finiteOrNull, PANE_MS, paneOf } from './time.ts';

/** By direction: whether one end at least is internal. */
const HAS_HOST = Uint8Array.from(DIRECTIONS, (name) => (name === 'unknown' || name === 'external' ? 0 : 1));
const NO_SOURCE = { position: Infinity };
/** Outputs that one record may have beside its last. */
const MOST_OUTPUTS = 1023;
/** Sources whose highest position a partition remembers. */
const MAX_SOURCES = 100_000;

export interface Configured<D> {
  readonly detector: D;
  readonly config: unknown;
}

export interface Stage1Options {
  readonly partition: number;
  readonly stage2Partitions: number;
  readonly host: readonly Configured<HostDetector<unknown>>[];
  readonly reading: readonly Configured<ReadingDetector<unknown>>[];
  readonly silence: Configured<SilenceDetector<unknown>>;
  readonly roster: ReadonlySet<string>;
  readonly groupOf: (key: Uint32Array, keyAt: number) => string;
  readonly limits: Pick<HostTrafficOptions, 'maxHosts' | 'newHostsPerMinute' | 'maxPairs' | 'hostsAStep'>;
}

/** What (a part of) one input record led to: for each partition of stage 2 a record, or none; and rows of features. */
export interface Stage1Output {
  readonly partials: readonly (Uint8Array | undefined)[];
  readonly features: readonly FeatureRecords[];
}

/** The record that is being taken. */
interface TakenRecord {
  readonly offset: number;
  readonly openBefore: number;
  outputs: number;
}

interface RowsOfBlock {
  readonly columns: EventColumnsView;
  readonly sources: readonly { position: number }[];
  readonly slots: SlotCache;
}

/**
 * Stage 1 of one partition: keyed by internal endpoint or device. A deterministic function of the partition's log: no
 * clock, no randomness, nothing shared. One record in, its effects out.
 */
export class Stage1 implements Snapshotable {
  readonly clock = new PartitionClock();
  readonly names = new NameTable();
  readonly traffic: HostTraffic;
  readonly devices: Devices;
  readonly series: Series;
  /** Highest position taken of each source: what is not above it is a duplicate. */
  readonly highest = new Map<string, { position: number }>();
  readonly counters = { rows: 0, duplicates: 0, late: 0, afterClose: 0, external: 0 };
  /** Pane to close next; everything below is closed. */
  closedBelow = -Infinity;

  private readonly options: Stage1Options;
  private readonly writers: readonly PartialsWriter[];
  private readonly specs = new Map<string, DetectorSpec<unknown>>();
  private readonly hostWindows = HOST_WINDOWS.map((window) => new FeatureWriter(`host_features_${window.name}`));
  private readonly readingMinutes = new FeatureWriter('reading_features_1m');
  /** The sums that were read last. */
  private readonly target = new Float64Array(TARGET_SUMS.length);
  private readonly hostOutput: HostOutput;
  private readonly deviceOutput: DeviceOutput;
  private readonly seriesOutput: SeriesOutput;

  constructor(options: Stage1Options) {
    this.options = options;
    this.writers = Array.from({ length: options.stage2Partitions }, () => new PartialsWriter());
    for (const { detector } of [...options.host, ...options.reading, options.silence])
      this.specs.set(detector.name, detector);
    this.traffic = new HostTraffic({ detectors: options.host, groupOf: options.groupOf, ...options.limits });
    this.devices = new Devices({ ...options.silence, names: this.names, roster: options.roster });
    this.series = new Series({ detectors: options.reading, names: this.names });
    this.hostOutput = {
      finding: (verdict, host, paneMs) => this.report(verdict, 'host', host, paneMs),
      window: (level, startMs, key, keyAt, features) => {
        const writer = this.hostWindows[level]!;
        writer.startHost(startMs, key, keyAt);
        for (let i = 0; i < WINDOW_LENGTH; i++) writer.set(i, features[i]!);
      },
      targets: (pane, targets) => this.sendTargets(pane, targets),
    };
    this.deviceOutput = {
      silence: (verdict, device, parent, paneMs) =>
        this.writerOf(parent).silences.push({ finding: this.findingOf(verdict, 'device', device, paneMs), parent }),
      child: (parent, pane) => this.writerOf(parent).addChild(parent, pane),
    };
    this.seriesOutput = {
      finding: (verdict, device, paneMs) => this.report(verdict, 'device', device, paneMs),
      minute: (startMs, device, metric, state, at) => this.writeMinute(startMs, device, metric, state, at),
    };
  }

  /** Takes one record of the partition, see {@link steps}, all at once. */
  process(block: EventBlock, offset: number): Stage1Output[] {
    const outputs: Stage1Output[] = [];
    const steps = this.steps(block, offset);
    for (;;) {
      const step = steps.next();
      outputs.push(step.value);
      if (step.done) return outputs;
    }
  }

  /**
   * Takes one record of the partition. Records come in order, each once: `offset` is the record's own. Where a minute of
   * hosts closes, the targets of its last pane go out first, and then hosts in steps, so that others can have their turn
   * in between; only this stage may not be used before the last.
   */
  *steps(block: EventBlock, offset: number): Generator<Stage1Output, Stage1Output> {
    const taken: TakenRecord = { offset, openBefore: this.clock.openPane, outputs: 0 };
    let isEnd = false;
    const rows = block.rows > 0 ? this.rowsOf(block) : undefined;
    let row = 0;
    for (const control of block.controls) {
      for (; row < Math.min(control.row, block.rows); row++) this.takeRow(rows!, row);
      if (this.clock.apply(control)) yield* this.advance(taken);
      this.forget(control);
      isEnd ||= control.kind === ControlKind.end;
    }
    for (; row < block.rows; row++) this.takeRow(rows!, row);
    const hasMoved = this.clock.openPane !== taken.openBefore;
    return this.collect(taken, { openPane: this.clock.openPane, isEnd, toAll: hasMoved || isEnd });
  }

  get partition(): number {
    return this.options.partition;
  }

  tables(): [string, RowTable][] {
    const { traffic, series, devices } = this;
    return [
      ['hosts', traffic.cold],
      ['active hosts', traffic.hot.rows],
      ['carries of active hosts', traffic.hot.carries],
      ['contacts', traffic.contacts.pairs],
      ['contacted ports', traffic.contacts.ports],
      ['devices', devices.rows],
      ['series', series.rows],
      ...[...traffic.minutes].flatMap(([minute, hosts]): [string, RowTable][] => [
        [`hosts in minute ${minute}`, hosts.rows],
        [`carries in minute ${minute}`, hosts.carries],
      ]),
      ...[...traffic.panes].flatMap(([pane, { targets }]): [string, RowTable][] => [
        [`targets in pane ${pane}`, targets.rows],
        [`carries in pane ${pane}`, targets.carries],
      ]),
      ...[...series.minutes].map(([minute, table]): [string, RowTable] => [`minute ${minute}`, table]),
    ];
  }

  sets(): [string, FingerprintSet][] {
    return [...this.traffic.panes].map(([pane, open]): [string, FingerprintSet] => [`sources ${pane}`, open.sources]);
  }

  tableOf(name: string): RowTable | undefined {
    const number = Number(name.split(' ').at(-1));
    if (name.startsWith('hosts in minute ')) return this.traffic.openMinute(number).rows;
    if (name.startsWith('carries in minute ')) return this.traffic.openMinute(number).carries;
    if (name.startsWith('targets in pane ')) return this.traffic.openPane(number).targets.rows;
    if (name.startsWith('carries in pane ')) return this.traffic.openPane(number).targets.carries;
    if (name.startsWith('minute ')) return this.series.openMinute(number);
    return new Map(this.tables()).get(name);
  }

  restoreSet(name: string, members: Uint32Array): void {
    this.traffic.openPane(Number(name.split(' ').at(-1))).sources.restore(members);
  }

  saveMeta(): unknown {
    return {
      clock: this.clock.save(),
      closedBelow: finiteOrNull(this.closedBelow),
      names: this.names.save(),
      highest: [...this.highest].map(([id, { position }]) => [id, position]),
      counters: this.counters,
      newInMinute: this.traffic.newInMinute,
      large: [...this.traffic.panes].map(([pane, open]) => [pane, open.large]),
    };
  }

  restoreMeta(meta: unknown): void {
    const saved = meta as {
      clock: unknown;
      closedBelow: number | null;
      names: string[];
      highest: [string, number][];
      counters: Stage1['counters'];
      newInMinute: HostTraffic['newInMinute'];
      large: [number, LargeFlowCandidate[]][];
    };
    this.clock.restore(saved.clock);
    this.closedBelow = saved.closedBelow ?? -Infinity;
    this.names.restore(saved.names);
    for (const [id, position] of saved.highest) this.highest.set(id, { position });
    Object.assign(this.counters, saved.counters);
    this.traffic.newInMinute = saved.newInMinute;
    for (const [pane, large] of saved.large) this.traffic.openPane(pane).large.push(...large);
  }

  restored(): void {
    this.traffic.rebuildRunning();
    this.devices.rebuildDeadlines();
  }

  nameWords(table: string): readonly number[] {
    if (table === 'devices') return this.devices.nameWords;
    if (table === 'series') return this.series.nameWords;
    return table.startsWith('minute ') ? [MINUTE.device, MINUTE.metric] : [];
  }

  layout(table: string): string {
    if (table === 'hosts') return `hosts 2: ${layoutOf(this.options.host)}`;
    if (table === 'series') return `series 1: ${layoutOf(this.options.reading)}`;
    if (table.endsWith('active hosts')) return 'active hosts 4';
    if (table.includes(' in minute ')) return 'hosts in minute 3';
    if (table.includes(' in pane ')) return 'targets in pane 2';
    if (table.startsWith('contact')) return 'contacts 2';
    return table === 'devices' ? `devices 1: ${layoutOf([this.options.silence])}` : `${table.split(' ')[0]!} 1`;
  }

  textOf(id: number): string {
    return this.names.text(id);
  }

  private rowsOf(block: EventBlock): RowsOfBlock {
    const columns = viewColumns(block);
    // Entry 0 of a dictionary is the empty text, which no source has.
    const sources = columns.source.values.map((id) => (id === '' ? NO_SOURCE : this.sourceState(id)));
    return { columns, sources, slots: new SlotCache(this, columns) };
  }

  private takeRow({ columns, sources, slots }: RowsOfBlock, row: number): void {
    const source = sources[columns.source.index[row]!]!;
    const position = at64(columns.position, row);
    if (position <= source.position) {
      this.counters.duplicates++;
      return;
    }
    source.position = position;
    this.counters.rows++;
    if (columns.late[row] === 1) {
      this.counters.late++;
      return;
    }
    const eventClass = columns.eventClass[row]!;
    const isReading = eventClass === EventClass.reading;
    if (!isReading && !isTraffic(eventClass)) return;
    const timeMs = at64(columns.time, row);
    const pane = paneOf(timeMs);
    if (pane < this.clock.openPane) {
      this.counters.afterClose++;
      return;
    }
    if (!isReading) {
      // Without an internal end a flow is nobody's here: outside addresses never get state.
      if (HAS_HOST[columns.direction[row]!] === 1) this.traffic.add(columns, row, pane);
      else this.counters.external++;
      return;
    }
    this.devices.beat(slots.device(row, pane, this.deviceOutput), timeMs, this.deviceOutput);
    this.series.add(slots.series(row), timeMs, columns.value[row]!, this.seriesOutput);
  }

  /** Devices of a source that has ended and is not open under another incarnation. */
  private forget(control: Control): void {
    if (control.kind !== ControlKind.closed) return;
    const parent = sourceName(control.source);
    if (!this.clock.isParentKnown(parent)) this.devices.leave(parent);
  }

  /** Closes every pane below the clock's open one, in order, visiting only those at which something is due. */
  private *advance(taken: TakenRecord): Generator<Stage1Output, void> {
    const { openPane } = this.clock;
    for (;;) {
      const due = Math.max(
        this.closedBelow,
        Math.min(this.traffic.nextDue(this.closedBelow), this.series.nextDue(), this.devices.nextDue()),
      );
      if (due >= openPane) break;
      this.traffic.closePane(due, this.hostOutput);
      // Behind, there is no hurry: what is closed now is old anyway.
      const isLast = due + 1 === openPane && taken.outputs < MOST_OUTPUTS;
      if (isLast && this.traffic.takesSteps(due))
        yield this.collect(taken, { openPane: due, targetsOpen: openPane, toAll: true });
      const steps = this.traffic.closeHosts(due, this.hostOutput);
      while (steps.next().done !== true) if (isLast) yield { partials: [], features: this.takeFeatures() };
      this.series.closePane(due, this.seriesOutput);
      this.devices.closePane(due, (parent) => this.clock.isParentKnown(parent), this.deviceOutput);
      this.closedBelow = due + 1;
    }
    this.closedBelow = openPane;
    this.traffic.contacts.closeUpTo(openPane * PANE_MS);
  }

  private collect(
    taken: TakenRecord,
    progress: { openPane: number; targetsOpen?: number; isEnd?: boolean; toAll: boolean },
  ): Stage1Output {
    const head = {
      partition: this.options.partition,
      // Each output of a record a little further on: stage 2 knows what it has by that.
      offset: taken.offset + taken.outputs++ / (MOST_OUTPUTS + 1),
      openPane: finiteOrNull(progress.openPane),
      targetsOpen: finiteOrNull(progress.targetsOpen ?? progress.openPane),
      isEnd: progress.isEnd ?? false,
    };
    return {
      partials: this.writers.map((writer) => (progress.toAll || !writer.isEmpty ? writer.take(head) : undefined)),
      features: this.takeFeatures(),
    };
  }

  private takeFeatures(): FeatureRecords[] {
    return [...this.hostWindows, this.readingMinutes].map((writer) => writer.take());
  }

  /** The latest used are kept: those of single deliveries come once and never again. */
  private sourceState(id: string): { position: number } {
    const state = this.highest.get(id) ?? { position: -1 };
    this.highest.delete(id);
    this.highest.set(id, state);
    if (this.highest.size > MAX_SOURCES) {
      for (const oldest of this.highest.keys()) {
        this.highest.delete(oldest);
        break;
      }
    }
    return state;
  }

  private writerOf(name: string): PartialsWriter {
    const key = nameKey(name);
    return this.writers[partitionOf(key[0]!, key[1]!, key[2]!, key[3]!, this.writers.length)]!;
  }

  private report(verdict: Verdict, entityKind: EntityKind, entity: string, paneMs: number): void {
    const finding = this.findingOf(verdict, entityKind, entity, paneMs);
    const writer =
      entityKind === 'host' ? this.writers[hostPartition(entity, this.writers.length)]! : this.writerOf(entity);
    writer.findings.push(finding);
  }

  private findingOf(verdict: Verdict, entityKind: EntityKind, entity: string, paneMs: number): Finding {
    return makeFinding(this.specs.get(verdict.detector)!, verdict, { entityKind, entity, paneMs });
  }

  private sendTargets(pane: number, targets: CarriedRows): void {
    const { rows } = targets;
    for (let slot = 0; slot < rows.slotLimit; slot++) {
      const keys = rows.keyWords(slot);
      const at = rows.keyAt(slot);
      const to = partitionOf(keys[at]!, keys[at + 1]!, keys[at + 2]!, keys[at + 3]!, this.writers.length);
      targets.read(slot, this.target);
      this.writers[to]!.addTarget(pane, keys, at, this.target);
    }
  }

  private writeMinute(startMs: number, device: string, metric: string, state: Float64Array, at: number): void {
    const n = state[at + MINUTE.n]!;
    const mean = state[at + MINUTE.sum]! / n;
    const variance = Math.max(0, state[at + MINUTE.sumOfSquares]! / n - mean * mean);
    const writer = this.readingMinutes;
    writer.startSeries(startMs, device, metric);
    [n, mean, state[at + MINUTE.min]!, state[at + MINUTE.max]!, Math.sqrt(variance), state[at + MINUTE.last]!,
      state[at + MINUTE.longestGapMs]!].forEach((value, i) => writer.set(i, value)); // prettier-ignore
  }
}
