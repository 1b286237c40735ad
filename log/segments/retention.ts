import type { TopicSpec } from '../event-log.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Segment } from './segment.ts';
import { Serial } from '../../model/serial.ts';
import type { LogCounters } from './stats.ts';
import type { OnWarning } from './warnings.ts';

export interface RetainedTopic {
  readonly spec: TopicSpec;
  readonly partitions: readonly PartitionLog[];
}

export interface RetentionDeps {
  /** Records from this offset on are still needed by a holding group; Infinity when no group holds the partition. */
  readonly heldFrom: (topic: string, partition: number) => number;
  readonly counters: LogCounters;
  readonly warn: OnWarning;
  readonly now: () => number;
}

/**
 * Decides which segments go, always a partition's oldest first, and one drop at a time, so that a crash between two
 * leaves no hole. By age and size only what no group holds; for the cap on disk whatever is oldest, held ones last.
 */
export class Retention {
  readonly #topics: readonly RetainedTopic[];
  readonly #deps: RetentionDeps;
  readonly #serial = new Serial();
  #stopped = false;

  constructor(topics: readonly RetainedTopic[], deps: RetentionDeps) {
    this.#topics = topics;
    this.#deps = deps;
  }

  /** Drops what is past its topic's age or size. */
  enforce(): Promise<void> {
    return this.#serial.run(async () => {
      for (const topic of this.#topics) {
        if (this.#stopped) return;
        for (const log of topic.partitions) await this.#dropAged(topic.spec, log);
        await this.#dropOverSize(topic);
      }
    });
  }

  /** The same, with a warning when it fails. */
  enforceInBackground(): void {
    this.enforce().catch((error: unknown) => {
      this.#deps.warn({ kind: 'upkeep-failed', message: `Can't drop old segments: ${String(error)}` });
    });
  }

  /** Ends dropping by age and size; appends that are under way may still drop for the cap. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.idle();
  }

  /** Drops the oldest until `isEnough`; false when nothing is left to drop. */
  dropUntil(isEnough: () => boolean): Promise<boolean> {
    return this.#serial.run(async () => {
      while (!isEnough()) {
        const log = this.#firstToGo();
        if (log === undefined) return false;
        if (log.segments.length === 1) await log.roll();
        await this.#drop(log);
      }
      return true;
    });
  }

  /** Resolves when nothing is being dropped. */
  idle(): Promise<void> {
    return this.#serial.run(() => Promise.resolve());
  }

  async #dropAged(spec: TopicSpec, log: PartitionLog): Promise<void> {
    if (spec.retentionMs === undefined) return;
    const before = this.#deps.now() - spec.retentionMs;
    const active = log.segments.at(-1);
    // A segment goes as a whole: one that grows slowly would keep its first records for long.
    if (active !== undefined && isFilled(active) && active.createdMs < before) await log.roll();
    while (log.segments.length > 1 && log.segments[0]!.lastAppendMs < before && !this.#isHeld(log))
      await this.#drop(log);
  }

  async #dropOverSize({ spec, partitions }: RetainedTopic): Promise<void> {
    const { retentionBytes } = spec;
    if (retentionBytes === undefined) return;
    while (sum(partitions.map(sizeOf)) > retentionBytes) {
      const candidates = partitions.filter((log) => log.segments.length > 1 && !this.#isHeld(log));
      const log = oldest(candidates);
      if (log === undefined) return;
      await this.#drop(log);
    }
  }

  #firstToGo(): PartitionLog | undefined {
    const logs = this.#topics
      .flatMap((topic) => topic.partitions)
      .filter((log) => isFilled(log.segments[0]!) || log.segments.length > 1);
    return oldest(logs.filter((log) => !this.#isHeld(log))) ?? oldest(logs);
  }

  #isHeld(log: PartitionLog): boolean {
    return this.#deps.heldFrom(log.topic, log.partition) < log.segments[0]!.endOffset;
  }

  async #drop(log: PartitionLog): Promise<void> {
    const heldFrom = this.#deps.heldFrom(log.topic, log.partition);
    const { baseOffset, endOffset } = await log.dropFirst();
    const unreadFrom = Math.max(heldFrom, baseOffset);
    if (unreadFrom >= endOffset) return;
    const count = endOffset - unreadFrom;
    this.#deps.counters.droppedUnread += count;
    this.#deps.warn({
      kind: 'unread-dropped',
      topic: log.topic,
      partition: log.partition,
      offset: unreadFrom,
      count,
      message:
        `The cap on disk dropped ${String(count)} records of ${log.topic}/${String(log.partition)} from offset ` +
        `${String(unreadFrom)} on before they were processed.`,
    });
  }
}

function isFilled(segment: Segment): boolean {
  return segment.endOffset > segment.baseOffset;
}

function sizeOf(log: PartitionLog): number {
  return sum(log.segments.map((segment) => segment.sizeBytes));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function oldest(logs: readonly PartitionLog[]): PartitionLog | undefined {
  const lastAppendMs = (log: PartitionLog) => log.segments[0]!.lastAppendMs;
  return logs.reduce<PartitionLog | undefined>(
    (first, log) => (first === undefined || lastAppendMs(log) < lastAppendMs(first) ? log : first),
    undefined,
  );
}
