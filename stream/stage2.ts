import { compareFindings, type Finding } from '../model/finding.ts';
import type { Episode } from '../alerts/alert.ts';
import { Episodes, type EpisodesOptions } from '../alerts/episodes.ts';
import { AddressContext } from './address-context.ts';
import type { DetectorSpec, TargetDetector, TargetPane } from './detector.ts';
import { FeatureWriter, type FeatureRecords } from './feature-writer.ts';
import { T, TARGET_SUMS, TARGET_WORDS } from './host-layout.ts';
import type { Partials } from './partials.ts';
import { layoutOf } from './detector-layout.ts';
import { closingPane, SilenceGroups } from './silence-groups.ts';
import { makeFinding } from './findings.ts';
import type { Configured } from './stage1.ts';
import type { Snapshotable } from './snapshot.ts';
import type { FingerprintSet } from './state/fingerprint-set.ts';
import { PackedSlots } from './state/packed-slots.ts';
import { RowTable } from './state/row-table.ts';
import { finiteOrNull, MINUTE_MS, PANE_MS } from './time.ts';

export interface Stage2Options {
  readonly partition: number;
  readonly stage1Partitions: number;
  readonly target: readonly Configured<TargetDetector<unknown>>[];
  readonly groupOf: (key: Uint32Array, keyAt: number) => string;
  readonly episodes: EpisodesOptions;
  readonly maxTargets: number;
}

export interface Stage2Output {
  readonly episodes: readonly Episode[];
  readonly features: readonly FeatureRecords[];
}

interface Progress {
  offset: number;
  /** First pane that is open there, and first pane whose targets are still to come. */
  openPane: number;
  targetsOpen: number;
}

/** In u32 words from a row's start, behind the key; the time is a pane. */
const COLD = { lastSeen: 4, detectors: 5 } as const;
/** Features written of a target's pane, as named in the table. */
const WRITTEN = [T.flows, T.packets, T.bytes, T.synOnly, T.sources];

/**
 * Stage 2 of one partition: keyed by what alerts are about. Merges the sums of targets from every partition of stage 1,
 * runs the target detectors when a pane is closed in all of them, and makes episodes of all findings. Deterministic.
 */
export class Stage2 implements Snapshotable {
  readonly targets: RowTable;
  readonly panes = new Map<number, RowTable>();
  /** The running minute's sums. */
  readonly minute = new RowTable(TARGET_WORDS);
  readonly silences = new SilenceGroups();
  readonly episodes: Episodes;
  readonly progress: Progress[];
  readonly counters = { duplicates: 0, findings: 0, evicted: 0, paneEvaluations: 0 };
  pendingFindings: Finding[] = [];
  pendingSilences: Partials['silences'][number][] = [];
  pendingChildren: Partials['children'][number][] = [];
  /** Pane to close next. */
  closedBelow = -Infinity;

  private readonly options: Stage2Options;
  private readonly placed: {
    at: number;
    slots: PackedSlots;
    spec: DetectorSpec<unknown>;
    steps: ReturnType<TargetDetector<unknown>['create']>;
  }[] = [];
  private readonly paneFeatures = new FeatureWriter('target_features_pane');
  private readonly spare: RowTable[] = [];
  /** Stage-1 partitions that have said that all input has ended. */
  private ended: boolean[];

  constructor(options: Stage2Options) {
    this.options = options;
    this.ended = Array.from({ length: options.stage1Partitions }, () => false);
    this.progress = Array.from({ length: options.stage1Partitions }, () => ({
      offset: -1,
      openPane: -Infinity,
      targetsOpen: -Infinity,
    }));
    let at: number = COLD.detectors;
    for (const { detector, config } of options.target) {
      const slots = new PackedSlots(detector.state.slots);
      this.placed.push({ at, slots, spec: detector, steps: detector.create(config) });
      at += slots.words;
    }
    this.targets = new RowTable(Math.ceil(at / 2));
    this.episodes = new Episodes(options.episodes);
  }

  process(partials: Partials): Stage2Output {
    const progress = this.progress[partials.partition]!;
    if (partials.offset <= progress.offset) {
      this.counters.duplicates++;
      return { episodes: [], features: [] };
    }
    progress.offset = partials.offset;
    if (partials.openPane !== null) progress.openPane = partials.openPane;
    if (partials.targetsOpen !== null) progress.targetsOpen = partials.targetsOpen;
    this.mergeTargets(partials);
    this.pendingFindings.push(...partials.findings);
    this.pendingSilences.push(...partials.silences);
    this.pendingChildren.push(...partials.children);
    this.advance(
      Math.min(...this.progress.map(({ openPane }) => openPane)),
      Math.min(...this.progress.map(({ targetsOpen }) => targetsOpen)),
    );
    if (partials.isEnd) this.ended[partials.partition] = true;
    if (this.ended.every((hasEnded) => hasEnded)) {
      this.ended.fill(false);
      this.episodes.end(this.closedBelow * PANE_MS);
    }
    return { episodes: this.episodes.takeChanged(), features: [this.paneFeatures.take()] };
  }

  get partition(): number {
    return this.options.partition;
  }

  tables(): [string, RowTable][] {
    return [
      ['targets', this.targets],
      ['target minute', this.minute],
      ...[...this.panes].map(([pane, table]): [string, RowTable] => [`targets in pane ${pane}`, table]),
    ];
  }

  sets(): [string, FingerprintSet][] {
    return [];
  }

  tableOf(name: string): RowTable | undefined {
    if (name === 'targets') return this.targets;
    return name === 'target minute' ? this.minute : this.openPane(Number(name.split(' ').at(-1)));
  }

  restoreSet(): void {
    // Stage 2 has no sets: sources are distinct by stage 1's keys, so their counts add up.
  }

  saveMeta(): unknown {
    return {
      progress: this.progress.map(({ offset, openPane, targetsOpen }) => [
        offset,
        finiteOrNull(openPane),
        finiteOrNull(targetsOpen),
      ]),
      closedBelow: finiteOrNull(this.closedBelow),
      runningMinute: this.runningMinute,
      ended: this.ended,
      findings: this.pendingFindings,
      silences: this.pendingSilences,
      children: this.pendingChildren,
      groups: this.silences.save(),
      episodes: this.episodes.save(),
      counters: this.counters,
    };
  }

  restoreMeta(meta: unknown): void {
    const saved = meta as {
      progress: [offset: number, openPane: number | null, targetsOpen: number | null][];
      closedBelow: number | null;
      runningMinute: number;
      ended: boolean[];
      findings: Finding[];
      silences: Partials['silences'][number][];
      children: Partials['children'][number][];
      groups: unknown;
      episodes: unknown;
      counters: Stage2['counters'];
    };
    saved.progress.forEach(([offset, openPane, targetsOpen], i) => {
      this.progress[i] = { offset, openPane: openPane ?? -Infinity, targetsOpen: targetsOpen ?? openPane ?? -Infinity };
    });
    this.closedBelow = saved.closedBelow ?? -Infinity;
    this.runningMinute = saved.runningMinute;
    this.ended = saved.ended;
    this.pendingFindings = saved.findings;
    this.pendingSilences = saved.silences;
    this.pendingChildren = saved.children;
    this.silences.restore(saved.groups);
    this.episodes.restore(saved.episodes);
    Object.assign(this.counters, saved.counters);
  }

  restored(): void {
    // Nothing is derived from the rows.
  }

  nameWords(): readonly number[] {
    return [];
  }

  layout(table: string): string {
    return table === 'targets' ? `targets 2: ${layoutOf(this.options.target)}` : 'sums 1';
  }

  textOf(): string {
    return '';
  }

  /** An empty table of a pane, put in its place. */
  openPane(pane: number): RowTable {
    let table = this.panes.get(pane);
    if (!table) this.panes.set(pane, (table = this.spare.pop() ?? new RowTable(TARGET_WORDS, { pageBytes: 4_096 })));
    return table;
  }

  private mergeTargets(partials: Partials): void {
    const rows = partials.targets;
    const keys = new Uint32Array(rows.buffer);
    let at = 0;
    for (const [pane, count] of partials.panes) {
      const table = this.openPane(pane);
      for (let i = 0; i < count; i++, at += TARGET_WORDS) {
        const key = at * 2;
        table.open(table.upsert(keys[key]!, keys[key + 1]!, keys[key + 2]!, keys[key + 3]!));
        for (let sum = 2; sum < TARGET_WORDS; sum++) table.f64[table.at + sum]! += rows[at + sum]!;
      }
    }
  }

  /** @param targetsOpen `openPane`, or one more where the hosts of its pane are still being closed. */
  private advance(openPane: number, targetsOpen: number): void {
    if (openPane > this.closedBelow) {
      for (;;) {
        const due = Math.max(this.closedBelow, this.nextDue());
        if (!(due < openPane)) break;
        this.closeTargets(due);
        this.closePane(due);
        this.closedBelow = due + 1;
      }
      this.closedBelow = openPane;
    }
    if (targetsOpen > this.closedBelow) this.closeTargets(this.closedBelow);
  }

  private nextDue(): number {
    let due = Math.min(closingPane(this.silences.nextDue()), closingPane(this.episodes.nextDue()));
    for (const pane of this.panes.keys()) if (pane < due) due = pane;
    for (const finding of this.pendingFindings) due = Math.min(due, finding.paneMs / PANE_MS);
    for (const { finding } of this.pendingSilences) due = Math.min(due, finding.paneMs / PANE_MS);
    if (this.minute.count > 0) due = Math.min(due, this.minuteEndPane);
    return due;
  }

  /** Last pane of the running minute. */
  private get minuteEndPane(): number {
    return this.runningMinute * 6 + 5;
  }
  private runningMinute = 0;

  /** Judges a pane's targets: before the rest of the pane, which may come later, and always by itself. */
  private closeTargets(pane: number): void {
    const table = this.panes.get(pane);
    if (!table) return;
    const found: Finding[] = [];
    this.panes.delete(pane);
    this.runningMinute = Math.floor(pane / 6);
    this.judge(table, pane, 'pane', found);
    this.addToMinute(table);
    table.clear();
    if (this.spare.length < 8) this.spare.push(table);
    this.take(found);
  }

  private closePane(pane: number): void {
    const found: Finding[] = [];
    if ((pane + 1) % 6 === 0 && this.minute.count > 0) {
      this.judge(this.minute, pane, 'minute', found);
      this.minute.clear();
      this.evict();
    }
    const endMs = (pane + 1) * PANE_MS;
    found.push(...this.takePending(endMs));
    this.take(found);
    this.episodes.advance(endMs);
  }

  private take(found: Finding[]): void {
    this.counters.findings += found.length;
    if (found.length > 0) this.episodes.take(found.sort(compareFindings));
  }

  private judge(table: RowTable, pane: number, window: 'pane' | 'minute', found: Finding[]): void {
    const startMs = window === 'pane' ? pane * PANE_MS : (pane + 1) * PANE_MS - MINUTE_MS;
    const { targets } = this;
    for (let slot = 0; slot < table.slotLimit; slot++) {
      const keys = table.keyWords(slot);
      const keyAt = table.keyAt(slot);
      table.peek(slot);
      const sums = readSums(table.f64, table.at);
      if (window === 'pane') {
        this.paneFeatures.startHost(startMs, keys, keyAt);
        const { f64, at } = table;
        for (let i = 0; i < WRITTEN.length; i++) this.paneFeatures.set(i, f64[at + WRITTEN[i]!]!);
      }
      targets.open(targets.upsert(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!));
      const words = targets.u32;
      const row = targets.at * 2;
      words[row + COLD.lastSeen] = pane + 1;
      this.counters.paneEvaluations++;
      const context = new AddressContext(keys, keyAt, this.options.groupOf(keys, keyAt));
      for (const { at, slots, spec, steps } of this.placed) {
        if (!steps[window]) continue;
        slots.load(words, row + at);
        const verdict = steps[window](sums, startMs, slots.values, 0, context);
        slots.store(words, row + at);
        if (verdict) {
          const about = { entityKind: 'host', entity: context.entity, paneMs: pane * PANE_MS } as const;
          found.push(makeFinding(spec, verdict, about));
        }
      }
    }
  }

  private addToMinute(table: RowTable): void {
    const { minute } = this;
    for (let slot = 0; slot < table.slotLimit; slot++) {
      const keys = table.keyWords(slot);
      const keyAt = table.keyAt(slot);
      table.peek(slot);
      minute.open(minute.upsert(keys[keyAt]!, keys[keyAt + 1]!, keys[keyAt + 2]!, keys[keyAt + 3]!));
      for (let sum = 2; sum < TARGET_WORDS; sum++) minute.f64[minute.at + sum]! += table.f64[table.at + sum]!;
    }
  }

  /** Findings of stage 1 whose pane is closed by now, silences among them once it is clear what they are about. */
  private takePending(endMs: number): Finding[] {
    const taken = this.pendingFindings.filter((finding) => finding.paneMs < endMs);
    if (taken.length > 0) this.pendingFindings = this.pendingFindings.filter((finding) => finding.paneMs >= endMs);
    // By pane as well: how far ahead another partition's records are must not decide how many siblings a device has.
    const isDue = ([, pane]: Partials['children'][number]): boolean => pane * PANE_MS < endMs;
    for (const [parent, , count] of this.pendingChildren.filter(isDue)) this.silences.addChildren(parent, count);
    this.pendingChildren = this.pendingChildren.filter((child) => !isDue(child));
    const silences = this.pendingSilences.filter(({ finding }) => finding.paneMs < endMs);
    if (silences.length > 0) {
      this.pendingSilences = this.pendingSilences.filter(({ finding }) => finding.paneMs >= endMs);
      silences.sort((a, b) => compareFindings(a.finding, b.finding));
    }
    for (const silence of silences) taken.push(...this.silences.take(silence));
    taken.push(...this.silences.decideUpTo(endMs));
    return taken;
  }

  private evict(): void {
    const { targets } = this;
    const over = targets.count - this.options.maxTargets;
    if (over <= 0) return;
    // A tenth more than needed, so that not every minute sorts the table again.
    const wanted = over + Math.floor(this.options.maxTargets / 10);
    for (const slot of targets.lowestByWord(COLD.lastSeen, wanted)) {
      targets.remove(slot);
      this.counters.evicted++;
    }
  }
}

function readSums(state: Float64Array, at: number): TargetPane {
  const sums = {} as TargetPane;
  for (const name of TARGET_SUMS) sums[name] = state[at + T[name]]!;
  return sums;
}
