import { VedetteError } from '../../model/errors.ts';
import type { EventLog, GroupPosition, LogEntry } from '../event-log.ts';
import type { DiskBudget } from './disk-budget.ts';
import type { GroupPositions } from './group-positions.ts';
import type { PartitionLog } from './partition-log.ts';
import type { ReadHandles } from './read-handles.ts';
import type { Retention, RetainedTopic } from './retention.ts';
import type { LogCounters, LogStats } from './stats.ts';

/** Retention by age has to look at the clock now and then, also when nothing is appended. */
const RETENTION_INTERVAL_MS = 10_000;

export interface SegmentLogParts {
  readonly topics: ReadonlyMap<string, RetainedTopic>;
  readonly positions: GroupPositions;
  readonly retention: Retention;
  readonly budget: DiskBudget;
  readonly handles: ReadHandles;
  readonly counters: LogCounters;
  readonly unlock: () => Promise<void>;
}

/** The event log on segment files of one folder, for one process. Records that are passed in are not kept. */
export class SegmentLog implements EventLog {
  readonly #parts: SegmentLogParts;
  readonly #timer: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  constructor(parts: SegmentLogParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => {
      parts.retention.enforceInBackground();
    }, RETENTION_INTERVAL_MS).unref();
  }

  partitions(topic: string): number {
    return this.#topic(topic).partitions.length;
  }

  async append(topic: string, partition: number, records: readonly Uint8Array[]): Promise<number> {
    return this.#open(topic, partition).append(records);
  }

  /** Entries stay valid for as long as they are referred to. */
  async read(topic: string, partition: number, offset: number, limit: { maxBytes: number }): Promise<LogEntry[]> {
    return this.#open(topic, partition).read(offset, limit.maxBytes);
  }

  /**
   * Where reading can go on after {@link read} has thrown LOG_CORRUPT for `offset`. The records passed over are
   * counted in `skippedDamaged`. Readers get the same answer every time, so a replay skips the same records.
   */
  async skipDamaged(topic: string, partition: number, offset: number): Promise<number> {
    return this.#open(topic, partition).skipDamaged(offset);
  }

  /** Also resolves when the log is closed. */
  async wait(topic: string, partition: number, offset: number, signal: AbortSignal): Promise<void> {
    return this.#open(topic, partition).wait(offset, signal);
  }

  bounds(topic: string, partition: number): { earliest: number; end: number } {
    return this.#log(topic, partition).bounds;
  }

  async commit(group: string, topic: string, partition: number, position: GroupPosition): Promise<void> {
    this.#open(topic, partition);
    return this.#parts.positions.commit({ group, topic, partition, position });
  }

  async committed(group: string, topic: string, partition: number): Promise<GroupPosition | undefined> {
    this.#log(topic, partition);
    return Promise.resolve(this.#parts.positions.committed(group, topic, partition));
  }

  /** Drops what is past its topic's age or size now, and not only at the next turn. */
  enforceRetention(): Promise<void> {
    return this.#parts.retention.enforce();
  }

  stats(): LogStats {
    const { topics, budget, counters } = this.#parts;
    return {
      ...counters,
      diskBytes: budget.usedBytes,
      maxBytes: budget.maxBytes,
      partitions: [...topics.values()].flatMap((topic) =>
        topic.partitions.map((log) => ({
          topic: log.topic,
          partition: log.partition,
          ...log.bounds,
          segments: log.segments.length,
          diskBytes: log.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0),
        })),
      ),
    };
  }

  /** Waits for appends and commits that are under way; then reads and appends fail, and waits resolve. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { topics, positions, retention, handles, unlock } = this.#parts;
    clearInterval(this.#timer);
    await retention.stop();
    for (const topic of topics.values()) await Promise.all(topic.partitions.map((log) => log.close()));
    await retention.idle();
    await positions.close();
    await handles.close();
    await unlock();
  }

  #open(topic: string, partition: number): PartitionLog {
    if (this.#closing !== undefined) throw new VedetteError('CONFLICT', 'The event log is closed.');
    return this.#log(topic, partition);
  }

  #log(topic: string, partition: number): PartitionLog {
    const log = this.#topic(topic).partitions[partition];
    if (log === undefined) throw new VedetteError('NOT_FOUND', `Topic ${topic} has no partition ${String(partition)}.`);
    return log;
  }

  #topic(name: string): RetainedTopic {
    const topic = this.#parts.topics.get(name);
    if (topic === undefined) throw new VedetteError('NOT_FOUND', `There is no topic ${name}.`);
    return topic;
  }
}
