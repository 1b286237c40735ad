import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TopicSpec } from '../event-log.ts';
import { DiskBudget } from './disk-budget.ts';
import type { FsyncMode } from './durable-file.ts';
import { lockFolder } from './folder-lock.ts';
import { GroupPositions } from './group-positions.ts';
import { openSalt, openTopic, partitionFolder, positionsPath, undeclaredTopics } from './layout.ts';
import { nodeFiles, type LogFiles } from './log-files.ts';
import { openPartition } from './open-partition.ts';
import type { PartitionDeps } from './partition-log.ts';
import { ReadHandles } from './read-handles.ts';
import { Retention, type RetainedTopic } from './retention.ts';
import { SegmentLog } from './segment-log.ts';
import { zeroCounters, type LogPoint } from './stats.ts';
import { TailCache } from './tail-cache.ts';
import type { OnWarning } from './warnings.ts';

const TAIL_CACHE_BYTES = 16 << 20;

export interface SegmentLogOptions {
  readonly dir: string;
  readonly topics: readonly TopicSpec[];
  /** Cap on the segments of all topics on disk; the oldest go first, those that no group holds before others. */
  readonly maxBytes: number;
  /** A segment is sealed when the next batch would make it longer than this. */
  readonly segmentBytes: number;
  /** `group`: acknowledged is on disk. `never`: acknowledged survives the process, but not the machine. */
  readonly fsync: FsyncMode;
  /** Groups whose committed position keeps records from retention by age and size. */
  readonly holdFor?: readonly (string | GroupHold)[];
  readonly onWarning?: OnWarning;
  /** Called at each {@link LogPoint}; for tests that stop the process there. */
  readonly at?: (point: LogPoint) => void;
  /** For tests. */
  readonly files?: LogFiles;
  /** Unix milliseconds, for retention by age; for tests. */
  readonly now?: () => number;
}

/** A name alone holds the topics in which the group has committed; with topics, these, from their first record on. */
export interface GroupHold {
  readonly group: string;
  readonly topics: readonly string[];
}

/**
 * Opens the log in a folder, which is made when it is missing. Throws LOCKED when another process has it, and
 * CONFIG_INVALID when a topic was made with another number of partitions.
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  await mkdir(join(options.dir, 'topics'), { recursive: true });
  const unlock = await lockFolder(options.dir);
  try {
    return await openLocked(options, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function openLocked(options: SegmentLogOptions, unlock: () => Promise<void>): Promise<SegmentLog> {
  const { dir, fsync, segmentBytes, files = nodeFiles, now = Date.now } = options;
  const warn: OnWarning = (warning) => options.onWarning?.(warning);
  const at = (point: LogPoint) => options.at?.(point);
  const counters = zeroCounters();
  const salt = await openSalt(dir);
  for (const topic of options.topics) await openTopic(dir, topic);
  const positions = await GroupPositions.open(positionsPath(dir), { salt, fsync, files, counters, at, warn });
  const topics = new Map<string, RetainedTopic>();
  const heldFrom = (topic: string, partition: number) =>
    heldOffset(options.holdFor ?? [], positions, { topic, partition });
  const retained: RetainedTopic[] = [];
  const retention = new Retention(retained, { heldFrom, counters, warn, now });
  const partitions = options.topics.reduce((sum, topic) => sum + topic.partitions, 0);
  const budget: DiskBudget = new DiskBudget({ maxBytes: options.maxBytes, partitions }, (bytes) =>
    retention.dropUntil(() => budget.fits(bytes)),
  );
  const handles = new ReadHandles();
  const cache = new TailCache(TAIL_CACHE_BYTES);
  const deps: PartitionDeps = {
    salt,
    segmentBytes,
    fsync,
    files,
    cache,
    handles,
    counters,
    now,
    at,
    budget,
    warn,
    onRolled: () => {
      retention.enforceInBackground();
    },
  };
  for (const spec of options.topics) {
    const places = Array.from({ length: spec.partitions }, (_, partition) => ({
      topic: spec.name,
      partition,
      folder: partitionFolder(dir, spec.name, partition),
      highestCommitted: positions.highest(spec.name, partition),
    }));
    const opened = { spec, partitions: await Promise.all(places.map((place) => openPartition(place, deps))) };
    retained.push(opened);
    topics.set(spec.name, opened);
  }
  for (const topic of await undeclaredTopics(dir, options.topics)) {
    warn({
      kind: 'topic-undeclared',
      topic,
      message: `Topic ${topic} lies in ${dir} and is not declared: left alone.`,
    });
  }
  // The cap may be lower than it was.
  await retention.dropUntil(() => budget.fits(0));
  retention.enforceInBackground();
  return new SegmentLog({ topics, positions, retention, budget, handles, counters, unlock });
}

/** Where the slowest holding group stands in a partition; Infinity when none holds it. */
function heldOffset(
  holds: readonly (string | GroupHold)[],
  positions: GroupPositions,
  { topic, partition }: { topic: string; partition: number },
): number {
  const offsets = holds.map((hold) => {
    const group = typeof hold === 'string' ? hold : hold.group;
    const holdsTopic = typeof hold === 'string' ? positions.hasCommitted(group, topic) : hold.topics.includes(topic);
    return holdsTopic ? (positions.committed(group, topic, partition)?.offset ?? 0) : Infinity;
  });
  return Math.min(Infinity, ...offsets);
}
