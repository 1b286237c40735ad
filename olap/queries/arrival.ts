import { z } from 'zod';
import { IN_RANGE, type NamedQuery, range } from './named-query.ts';

export const ARRIVAL_QUERIES: readonly NamedQuery[] = [
  {
    name: 'arrival',
    title: 'Records by source and minute',
    description: 'How many records of each source have an event time in each minute, and how many of them came late.',
    parameters: z.strictObject(range),
    sql: `SELECT toStartOfMinute(event.time) AS minute, _src AS source, sensor, count() AS records, sum(event.late) AS late
FROM vedette.events AS event WHERE ${IN_RANGE}
GROUP BY minute, source, sensor ORDER BY minute, source, sensor`,
  },
  {
    name: 'late-share',
    title: 'Share of late records',
    description: 'Records and late records of each source; a high share means that its disorder is set too small.',
    parameters: z.strictObject(range),
    sql: `SELECT _src AS source, count() AS records, sum(event.late) AS late_records, late_records / records AS late_share,
  max(toUnixTimestamp64Milli(received_time) - toUnixTimestamp64Milli(event.time)) AS longest_delay_ms
FROM vedette.events AS event WHERE ${IN_RANGE}
GROUP BY source ORDER BY late_share DESC, source`,
  },
];
