import type { SinkMetrics } from '../olap/sink-options.ts';

/** How the sink got on: what `status` and `/metrics` show. */
export interface SinkCounters {
  rows: number;
  inserts: number;
  duplicates: number;
  retries: number;
  corrupt: number;
  lost: number;
}

export function zeroSinkCounters(): SinkCounters {
  return { rows: 0, inserts: 0, duplicates: 0, retries: 0, corrupt: 0, lost: 0 };
}

export function countInto(counters: SinkCounters): SinkMetrics {
  return {
    stored: ({ rows }) => {
      counters.rows += rows;
      counters.inserts++;
    },
    duplicates: (_topic, rows) => {
      counters.duplicates += rows;
    },
    retried: () => {
      counters.retries++;
    },
    corrupt: () => {
      counters.corrupt++;
    },
    lost: (_topic, _partition, records) => {
      counters.lost += records;
    },
  };
}
