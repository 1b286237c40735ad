import { z } from 'zod';
import { IN_RANGE, type NamedQuery, range, rowLimit } from './named-query.ts';
import { slidingParameters, slidingSql } from './sliding-window.ts';

const name = z.string().min(1).max(512);
const OF_SERIES = "class = 'reading' AND device = {device:String} AND metric = {metric:String}";

export const READING_QUERIES: readonly NamedQuery[] = [
  {
    name: 'reading-window',
    title: 'A reading over a sliding window',
    description:
      'At each step, of the window before it: number of readings, mean, standard deviation, least and greatest value. From raw events, for a window of any length; NaN where there are none.',
    parameters: slidingParameters({ device: name, metric: name }),
    sql: slidingSql({
      source: 'vedette.events',
      where: OF_SERIES,
      slots: [
        'count() AS slot_n',
        'sum(value) AS slot_sum',
        'sum(value * value) AS slot_squares',
        'min(value) AS slot_min',
        'max(value) AS slot_max',
      ],
      empty: ['toUInt64(0)', '0.0', '0.0', 'inf', '-inf'],
      outputs: [
        'sum(slot_n) OVER w AS n',
        'sum(slot_sum) OVER w / n AS mean',
        'sqrt(greatest(0, sum(slot_squares) OVER w / n - mean * mean)) AS sd',
        'if(n = 0, nan, min(slot_min) OVER w) AS min',
        'if(n = 0, nan, max(slot_max) OVER w) AS max',
      ],
    }),
  },
  {
    name: 'reading-series',
    title: 'Values of a device',
    description: 'Raw readings of one device and metric, oldest first.',
    parameters: z.strictObject({ ...range, device: name, metric: name, limit: rowLimit }),
    sql: `SELECT time, value, unit, late FROM vedette.events
WHERE ${OF_SERIES} AND ${IN_RANGE} ORDER BY time, _pos LIMIT {limit:UInt32}`,
  },
];
