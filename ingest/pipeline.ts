import { PANE_MS } from '../model/time.ts';
import type { EventLog } from '../log/event-log.ts';
import type { VedetteError } from '../model/errors.ts';
import type { NetworkSet } from '../model/address.ts';
import { ControlKind } from '../model/event-block.ts';
import type { DeadLetter, DeadLetterStore } from './dead-letter.ts';
import type { HeaderStore, StoredHeader } from './header-store.ts';
import type { Decoder, DeadLetterReason } from './decoder.ts';
import { EventRow } from './event-row.ts';
import { IngestSource } from './ingest-source.ts';
import { PartitionWriter } from './partition-writer.ts';
import { PendingPuts } from './pending-puts.ts';
import { Router } from './router.ts';

export const EVENTS_TOPIC = 'events';
/** Bytes that may wait for the log before sources are asked to wait. */
const MAX_PENDING_BYTES = 32 << 20;
const ENDED_KEPT = 50;

export interface PipelineOptions {
  readonly log: EventLog;
  readonly deadLetters: DeadLetterStore;
  /** Where headers are kept for a replay of stored rows; undefined: nowhere. */
  readonly headers?: Pick<HeaderStore, 'put'>;
  readonly internal: NetworkSet;
  readonly groups: readonly { readonly name: string; readonly networks: NetworkSet }[];
  readonly site: string;
  readonly blockRows: number;
  /** A source that gives nothing for so long (wall clock) no longer holds back time. */
  readonly idleMs: number;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export interface PipelineCounters {
  events: number;
  late: number;
  deadLetters: Partial<Record<DeadLetterReason, number>>;
}

/**
 * Ingest: decodes records, normalises them, decides what is late, and appends them to the partitions of the event log
 * with the ticks of their sources. Synchronous but for the log: whoever feeds it calls `flush` and acknowledges after.
 */
export class IngestPipeline {
  readonly counters: PipelineCounters = { events: 0, late: 0, deadLetters: {} };
  readonly sources = new Map<string, IngestSource>();
  /** Sources that have ended, the latest last: for people who ask what arrived. */
  readonly ended: IngestSource[] = [];
  readonly row = new EventRow();
  readonly router: Router;
  readonly options: PipelineOptions;
  private readonly writers: readonly PartitionWriter[];
  /** A letter's position makes it one letter, however often it is put. */
  private readonly letters: PendingPuts<Omit<DeadLetter, 'id'>>;
  private letterBytes = 0;
  /** The same place again is the same header. */
  private readonly headers: PendingPuts<StoredHeader>;

  constructor(options: PipelineOptions) {
    this.options = options;
    this.letters = new PendingPuts((letters) => this.putLetters(letters));
    this.headers = new PendingPuts(async (headers) => options.headers?.put(headers));
    const partitions = options.log.partitions(EVENTS_TOPIC);
    this.writers = Array.from(
      { length: partitions },
      (_, partition) =>
        new PartitionWriter({ log: options.log, topic: EVENTS_TOPIC, partition, blockRows: options.blockRows }),
    );
    this.router = new Router({ partitions, internal: options.internal, groups: options.groups, site: options.site });
  }

  /**
   * A source: one ordered input. With `holdsTime` its watermark counts from now on, even before its first record (for
   * inputs that are merged by event time); else from its first record.
   */
  openSource(spec: {
    id: string;
    decoder: Decoder;
    disorderMs: number;
    holdsTime: boolean;
    state?: string;
  }): IngestSource {
    const source = new IngestSource(this, spec);
    this.sources.set(spec.id, source);
    if (spec.holdsTime) source.activate();
    return source;
  }

  /** A source has ended. */
  forget(source: IngestSource): void {
    this.sources.delete(source.id);
    this.ended.push(source);
    if (this.ended.length > ENDED_KEPT) this.ended.shift();
  }

  /** The lowest watermark of the active sources, ms: a source that joins now starts there. */
  get timeMs(): number {
    let lowest = Infinity;
    for (const source of this.sources.values())
      if (source.state === 'active') lowest = Math.min(lowest, source.clock.tickMs);
    return lowest === Infinity ? this.stoodAtMs : lowest;
  }
  /** Where time has stood since the last active source went; below it, panes are closed. */
  private stoodAtMs = -Infinity;
  private latestEndMs = -Infinity;

  /** A source has gone idle, or closed with the end of its last pane. Time is as the partitions take it from the log. */
  left({ tickMs, endMs }: { tickMs: number; endMs: number }): void {
    this.latestEndMs = Math.max(this.latestEndMs, endMs);
    let known = 0;
    for (const { state } of this.sources.values()) {
      if (state === 'active') return;
      if (state === 'idle') known++;
    }
    // Where every source is closed, the last one's last panes close as well.
    const standsAtMs = known > 0 ? tickMs : this.latestEndMs + PANE_MS;
    this.stoodAtMs = Math.max(this.stoodAtMs, standsAtMs);
  }

  /** Time in the log when this pipeline took over from an earlier one, ms: panes below it are closed. */
  standAt(timeMs: number): void {
    this.stoodAtMs = Math.max(this.stoodAtMs, timeMs);
  }

  /** The record in `row`, into its partition. `source.context` says where it comes from. */
  append(source: IngestSource): void {
    const { row } = this;
    const partition = this.router.route(row, source.context);
    this.writers[partition]!.append(row, source.context);
    this.counters.events++;
    if (source.context.late) this.counters.late++;
  }

  /** A control record, into every partition. */
  control(kind: ControlKind, source: string, timeMs: number, payload = ''): void {
    for (const writer of this.writers) writer.control(kind, source, timeMs, payload);
  }

  deadLetter(letter: Omit<DeadLetter, 'id'>): void {
    this.letters.add(letter);
    this.letterBytes += letter.bytes.length;
    this.counters.deadLetters[letter.reason] = (this.counters.deadLetters[letter.reason] ?? 0) + 1;
  }

  /** Whether sources should wait (by calling `flush`) before they give more. */
  get isFull(): boolean {
    if (this.letters.waiting.length > 10_000) return true;
    let pending = this.letterBytes;
    for (const writer of this.writers) pending += writer.pendingBytes;
    return pending > MAX_PENDING_BYTES;
  }

  /** What keeps the log from taking records just now, such as a full disk; undefined where nothing does. */
  get obstacle(): VedetteError | undefined {
    return this.writers.find((writer) => writer.waitingFor)?.waitingFor;
  }

  /** Resolves once everything given so far is durable, dead letters included. */
  async flush(): Promise<void> {
    await Promise.all([...this.writers.map((writer) => writer.flush()), this.letters.flush(), this.headers.flush()]);
  }

  private async putLetters(letters: readonly Omit<DeadLetter, 'id'>[]): Promise<void> {
    const taken = letters.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.letterBytes -= taken;
    try {
      await this.options.deadLetters.put(letters);
    } catch (error) {
      this.letterBytes += taken;
      throw error;
    }
  }

  /** What the rows behind it are read with; durable before they are acknowledged. */
  header(header: StoredHeader): void {
    if (this.options.headers) this.headers.add(header);
  }

  /** Marks sources as idle that have given nothing for long, by wall clock; the mark is in the log once. */
  markIdle(): void {
    const now = this.options.now();
    for (const source of this.sources.values())
      if (source.state === 'active' && now - source.lastReceivedMs >= this.options.idleMs) source.pause();
  }

  /** All input has ended: episodes close. */
  end(): void {
    this.control(ControlKind.end, '', NaN);
  }
}
