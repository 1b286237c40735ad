import type { EventLog, LogEntry } from '../log/event-log.ts';
import { EventBlock } from '../model/event-block.ts';
import type { EventColumnName } from '../model/event-columns.ts';
import { type ErrorCode, VedetteError } from '../model/errors.ts';
import { eventRecords, type MirrorRecord } from './event-json.ts';

export const MIRROR_GROUP = 'mirror';

/** Points at which fault tests end the process. */
export type MirrorPoint = 'mirror_appended' | 'mirror_committed';

/** Totals of this process. */
export interface MirrorCounters {
  events: number;
  bytes: number;
  /** Events that the topic does not take: too large. */
  refused: number;
  /** Records of the log that could not be read. */
  corrupt: number;
  /** Records that the log's retention dropped before they were read. */
  lost: number;
}

export function zeroMirrorCounters(): MirrorCounters {
  return { events: 0, bytes: 0, refused: 0, corrupt: 0, lost: 0 };
}

export interface PartitionMirrorOptions {
  readonly log: EventLog;
  /** Whose blocks are read. */
  readonly topic: string;
  readonly partition: number;
  /** Appends to the mirror's partition of the same number, in order. Errors: BAD_REQUEST for what is too large. */
  readonly append: (records: readonly MirrorRecord[]) => Promise<unknown>;
  readonly leaveOut: readonly EventColumnName[];
  readonly counters: MirrorCounters;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
  readonly at?: (point: MirrorPoint) => void;
}

/** Bytes of the log taken at a time. */
const READ_BYTES = 2 << 20;
/** Events of an append: what waits for Kafka in memory, and what shares a batch. */
const APPEND_EVENTS = 1000;
/** Between commits, while there is work: what a killed mirror repeats. */
const COMMIT_MS = 1000;

/**
 * Writes one partition's events as JSON into a topic for others: at least once, in the order of the log. Goes by a
 * position of its own, so that nobody waits for it; after a crash it writes again what it had not committed.
 */
export class PartitionMirror {
  private readonly options: PartitionMirrorOptions;
  private next = 0;
  private committed = 0;
  private committedMs = 0;

  constructor(options: PartitionMirrorOptions) {
    this.options = options;
  }

  /** Runs until the signal aborts. Rejects when the log or the topic fails for longer than an append may take. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, topic, partition } = this.options;
    const position = await log.committed(MIRROR_GROUP, topic, partition);
    this.next = position?.offset ?? log.bounds(topic, partition).earliest;
    this.committed = position ? position.offset : -1;
    while (!signal.aborted) {
      const entries = await this.read();
      for (const entry of entries) {
        await this.mirror(entry);
        if (signal.aborted) break;
      }
      if (performance.now() - this.committedMs >= COMMIT_MS) await this.commit();
      if (entries.length === 0 && !signal.aborted) await this.waitForMore(signal);
    }
    await this.commit();
  }

  private async mirror({ offset, data }: LogEntry): Promise<void> {
    const { partition, leaveOut, at } = this.options;
    let records: MirrorRecord[] = [];
    try {
      records = eventRecords(new EventBlock(data), { partition, offset }, { leaveOut });
    } catch (error) {
      this.passDamaged(error, 'BLOCK_CORRUPT', offset);
    }
    for (let start = 0; start < records.length; start += APPEND_EVENTS) {
      await this.append(records.slice(start, start + APPEND_EVENTS));
      // What is read from memory never leaves the microtask queue: let heartbeats have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.next = offset + 1;
    if (records.length > 0) at?.('mirror_appended');
  }

  /** What the topic refuses as too large is halved until the events that are at fault stand alone: those are left out. */
  private async append(records: readonly MirrorRecord[]): Promise<void> {
    const { append, counters, onNotice } = this.options;
    try {
      await append(records);
      counters.events += records.length;
      counters.bytes += records.reduce((sum, { value }) => sum + value.length, 0);
    } catch (error) {
      if (!(error instanceof VedetteError) || error.code !== 'BAD_REQUEST') throw error;
      const half = Math.ceil(records.length / 2);
      if (records.length > 1) {
        await this.append(records.slice(0, half));
        await this.append(records.slice(half));
        return;
      }
      counters.refused++;
      onNotice('error', `an event is not in the mirror: ${error.message}`);
    }
  }

  /** Empty at the end, and where the next record is damaged and was passed over. */
  private async read(): Promise<LogEntry[]> {
    const { log, topic, partition, counters, onNotice } = this.options;
    const { earliest } = log.bounds(topic, partition);
    if (earliest > this.next) {
      counters.lost += earliest - this.next;
      onNotice('error', `the log dropped ${earliest - this.next} records of ${topic} before they were mirrored`);
      this.next = earliest;
    }
    try {
      return await log.read(topic, partition, this.next, { maxBytes: READ_BYTES });
    } catch (error) {
      this.passDamaged(error, 'LOG_CORRUPT', this.next);
      this.next++;
      return [];
    }
  }

  private passDamaged(error: unknown, code: ErrorCode, offset: number): void {
    if (!(error instanceof VedetteError) || error.code !== code) throw error;
    const { topic, partition, counters, onNotice } = this.options;
    counters.corrupt++;
    onNotice('error', `record ${offset} of ${topic}/${partition} is damaged and was not mirrored: ${error.message}`);
  }

  private async commit(): Promise<void> {
    this.committedMs = performance.now();
    if (this.next === this.committed) return;
    const { log, topic, partition, at } = this.options;
    const { next } = this;
    await log.commit(MIRROR_GROUP, topic, partition, { offset: next, metadata: '' });
    this.committed = next;
    at?.('mirror_committed');
  }

  /** Also wakes up to commit what came last, when nothing comes any more. */
  private async waitForMore(signal: AbortSignal): Promise<void> {
    const { log, topic, partition } = this.options;
    const due = new AbortController();
    const timer = this.next === this.committed ? undefined : setTimeout(() => due.abort(), COMMIT_MS);
    await log.wait(topic, partition, this.next, AbortSignal.any([signal, due.signal]));
    clearTimeout(timer);
  }
}
