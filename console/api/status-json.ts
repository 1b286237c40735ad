import { z } from 'zod';
import type { Status } from '../backend.ts';
import { isoTime } from '../query-types.ts';

const time = z.iso.datetime().optional();
const count = z.number();

export const statusSchema = z.object({
  version: z.string(),
  now: time,
  started: time,
  data_dir: z.string(),
  is_sample: z.boolean(),
  note: z
    .string()
    .optional()
    .describe('On a cluster: what is about all of it, and what about the process that answers'),
  events_per_second: z.number(),
  watermark: time.describe('Event time up to which panes are closed in every partition'),
  last_checkpoint: time.describe('The oldest of the partitions'),
  totals: z.object({ events: count, late: count, dead_letters: count, duplicates: count }),
  sources: z.array(
    z.object({
      source: z.string(),
      format: z.string(),
      state: z.enum(['active', 'idle', 'closed']),
      events: count,
      dead_letters: count,
      late: count,
      events_per_second: z.number(),
      last_received: time,
      watermark: time,
    }),
  ),
  partitions: z.array(
    z.object({
      stage: z.union([z.literal(1), z.literal(2)]),
      partition: z.int(),
      offset: count,
      end: count,
      lag: count,
      closed_up_to: time,
      checkpoint: z.object({ at: time, offset: count, size_bytes: count }).optional(),
    }),
  ),
  sink: z.array(z.object({ topic: z.string(), partition: z.int(), offset: count, end: count, lag: count })),
  olap: z.object({
    state: z.string(),
    restarts: count,
    tables: z.array(z.object({ name: z.string(), rows: count, bytes: count })),
  }),
  log_bytes: count,
  entities: z.object({ hosts: count, targets: count, devices: count, series: count }),
  alerts: z.object({ open: count, total: count }),
  dead_letters: z.record(z.string(), count).describe('Kept ones by reason'),
  dropped: z.record(z.string(), count).describe('By reason'),
  advice: z.array(z.string()).describe('What to check, in words'),
  arrivals: z.array(z.object({ minute: time, events: count })),
});
export type StatusJson = z.infer<typeof statusSchema>;

export function statusJson(status: Status, deadLetters: Readonly<Record<string, number>>, nowMs: number): StatusJson {
  return {
    version: status.version,
    now: isoTime(nowMs),
    started: isoTime(status.startedMs),
    data_dir: status.dataDir,
    is_sample: status.isSample,
    ...(status.note === undefined ? {} : { note: status.note }),
    events_per_second: status.eventsPerSecond,
    watermark: isoTime(watermarkMs(status)),
    last_checkpoint: isoTime(lastCheckpointMs(status)),
    totals: {
      events: status.totals.events,
      late: status.totals.late,
      dead_letters: status.totals.deadLetters,
      duplicates: status.totals.duplicates,
    },
    sources: status.sources.map((source) => ({
      source: source.source,
      format: source.format,
      state: source.state,
      events: source.events,
      dead_letters: source.deadLetters,
      late: source.late,
      events_per_second: source.eventsPerSecond,
      last_received: isoTime(source.lastReceivedMs),
      watermark: isoTime(source.watermarkMs),
    })),
    partitions: status.partitions.map((entry) => ({
      stage: entry.stage,
      partition: entry.partition,
      offset: entry.offset,
      end: entry.end,
      lag: Math.max(0, entry.end - entry.offset),
      closed_up_to: isoTime(entry.closedUpToMs),
      checkpoint: entry.checkpoint && {
        at: isoTime(entry.checkpoint.atMs),
        offset: entry.checkpoint.offset,
        size_bytes: entry.checkpoint.sizeBytes,
      },
    })),
    sink: status.sink.map(({ topic, partition, offset, end }) => ({
      topic,
      partition,
      offset,
      end,
      lag: Math.max(0, end - offset),
    })),
    olap: {
      state: status.olap.state,
      restarts: status.olap.restarts,
      tables: status.olap.tables.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    },
    log_bytes: status.logBytes,
    entities: { ...status.entities },
    alerts: { ...status.alerts },
    dead_letters: { ...deadLetters },
    dropped: { ...status.dropped },
    advice: [...status.advice],
    arrivals: status.arrivals.map(({ minuteMs, events }) => ({ minute: isoTime(minuteMs), events })),
  };
}

/** Event time up to which every partition has closed its panes. */
export function watermarkMs(status: Status): number | undefined {
  return least(status.partitions.map((entry) => entry.closedUpToMs));
}

/** The oldest of the partitions' last checkpoints: from there a restart would replay. */
export function lastCheckpointMs(status: Status): number | undefined {
  return least(status.partitions.map((entry) => entry.checkpoint?.atMs));
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
