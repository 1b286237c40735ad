import { VedetteError } from '../../model/errors.ts';
import type { LogEntry } from '../event-log.ts';
import type { HeldBatch } from './batch-window.ts';
import type { Fetcher } from './fetcher.ts';
import type { PartitionState } from './partition-state.ts';
import type { RecordRange } from './record-cursor.ts';

interface Place {
  readonly state: PartitionState;
  readonly fetcher: Fetcher;
  readonly offset: number;
  readonly maxBytes: number;
}

/** Records from `offset` on, as the port promises. */
export async function readEntries(place: Place): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  let bytes = 0;
  const end = await gather(place, async (held, from) => {
    for (const entry of await held.entries()) {
      if (entry.offset < from) continue;
      if (entries.length > 0 && bytes + entry.data.length > place.maxBytes) return { next: entry.offset, isFull: true };
      bytes += entry.data.length;
      entries.push(entry);
    }
    return { next: held.batch.nextOffset, isFull: bytes >= place.maxBytes };
  });
  place.state.noteGap((entries.at(-1)?.offset ?? place.offset - 1) + 1, end);
  return entries;
}

/**
 * Batches from the one that holds `offset` on, checked and uncompressed, for who goes through the records by himself:
 * the first may begin before `offset`. Read on at the last one's `nextOffset`.
 */
export async function readRanges(place: Place): Promise<RecordRange[]> {
  const ranges: RecordRange[] = [];
  let bytes = 0;
  const end = await gather(place, async (held) => {
    const range = await held.range();
    if (range) {
      ranges.push(range);
      bytes += range.end - range.start;
    }
    return { next: held.batch.nextOffset, isFull: bytes >= place.maxBytes };
  });
  place.state.noteGap(ranges.at(-1)?.nextOffset ?? place.offset, end);
  return ranges;
}

/**
 * Hands over batch after batch until there is enough, or no more is known of; gives where to go on. An error counts for the
 * first one only.
 */
async function gather(
  { state, fetcher, offset }: Place,
  take: (held: HeldBatch, next: number) => Promise<{ next: number; isFull: boolean }>,
): Promise<number> {
  const { earliest, end } = state.bounds;
  if (offset < earliest) {
    throw new VedetteError(
      'LOG_RANGE',
      `record ${offset} of ${state.topic}/${state.partition} is gone: the log begins at ${earliest}`,
    );
  }
  state.moveReader(offset, offset);
  let next = offset;
  let hasSome = false;
  try {
    for (;;) {
      const held = state.window.find(next);
      if (held) {
        const taken = await take(held, next);
        hasSome ||= taken.next > held.from;
        next = taken.next;
        if (taken.isFull) break;
        continue;
      }
      if (next > offset && next >= end) break;
      // A fetch that waits at the broker for this very record would have brought it.
      if (next >= state.bounds.end && state.inFlight.has(next)) break;
      const demand = state.demand(next);
      fetcher.poke();
      await demand;
      if (!state.window.find(next) && next >= state.bounds.end) break;
    }
  } catch (error) {
    if (!hasSome) throw error;
  }
  state.moveReader(offset, next);
  fetcher.poke();
  return next;
}
