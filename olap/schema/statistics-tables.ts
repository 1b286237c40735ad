import { STORED_COLUMN } from './databases.ts';
import type { FillingView, SchemaObject, TableDefinition } from './definitions.ts';

/** Connection states in which no data could flow as asked: unanswered, refused, or reset before the handshake ended. */
const FAILED_STATES = ['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'] as const;
export const FAILED_SQL = `conn_state IN (${FAILED_STATES.map((state) => `'${state}'`).join(', ')})`;

/** The resolutions, finest first: each is made from the one before it, the first from the events. */
export const RESOLUTIONS = [
  { suffix: '1m', bucket: 'toStartOfMinute', partition: 'toMonday(time)' },
  { suffix: '5m', bucket: 'toStartOfFiveMinutes', partition: 'toYYYYMM(time)' },
  { suffix: '1h', bucket: 'toStartOfHour', partition: 'toYYYYMM(time)' },
] as const;

type Merge = 'sum' | 'min' | 'max';

interface Measure {
  readonly name: string;
  readonly type: string;
  readonly merge: Merge;
}

interface Statistic {
  readonly name: 'net' | 'device';
  readonly keys: readonly { readonly name: string; readonly type: string }[];
  readonly measures: readonly Measure[];
}

const counter = (name: string): Measure => ({ name, type: 'UInt64', merge: 'sum' });

/** Sums an endpoint and direction. Bytes and packets are from the endpoint's view: out is what the endpoint sent. */
export const NET: Statistic = {
  name: 'net',
  keys: [
    { name: 'endpoint', type: 'IPv6' },
    { name: 'direction', type: "Enum8('unknown' = 0, 'inbound' = 1, 'outbound' = 2, 'lateral' = 3, 'external' = 4)" },
  ],
  measures: ['flows', 'bytes_out', 'bytes_in', 'packets_out', 'packets_in', 'failed', 'late'].map(counter),
};

/** Moments a device and metric; `last` is (time, value) of the newest reading, so that merging needs no state column. */
export const DEVICE: Statistic = {
  name: 'device',
  keys: [
    { name: 'device', type: 'LowCardinality(String)' },
    { name: 'metric', type: 'LowCardinality(String)' },
  ],
  measures: [
    counter('n'),
    { name: 'sum', type: 'Float64', merge: 'sum' },
    { name: 'sum_squares', type: 'Float64', merge: 'sum' },
    { name: 'min', type: 'Float64', merge: 'min' },
    { name: 'max', type: 'Float64', merge: 'max' },
    { name: 'last', type: "Tuple(DateTime64(3, 'UTC'), Float64)", merge: 'max' },
    counter('late'),
  ],
};

/** Tables and views of one statistic, in the order in which they must be made. */
export function statisticObjects(statistic: Statistic): SchemaObject[] {
  return RESOLUTIONS.flatMap((resolution, level) => {
    const table = `${statistic.name}_${resolution.suffix}`;
    const finer = RESOLUTIONS[level - 1];
    return [
      tableOf(statistic, table, resolution.partition),
      ...(finer === undefined
        ? firstViews(statistic, table)
        : [cascade(statistic, table, { finer: `${statistic.name}_${finer.suffix}`, bucket: resolution.bucket })]),
    ];
  });
}

function tableOf(statistic: Statistic, name: string, partition: string): TableDefinition {
  return {
    kind: 'table',
    name,
    columns: [
      ...statistic.keys.map((key) => `${key.name} ${key.type}`),
      "time DateTime('UTC') CODEC(Delta, ZSTD(1))",
      ...statistic.measures.map(
        (measure) => `${measure.name} SimpleAggregateFunction(${measure.merge}, ${measure.type}) CODEC(ZSTD(1))`,
      ),
      STORED_COLUMN.replace("DateTime('UTC')", "SimpleAggregateFunction(max, DateTime('UTC'))"),
    ],
    engine: 'AggregatingMergeTree',
    partition,
    order: `(${keyNames(statistic)}, time)`,
    shardBy: statistic.name === 'net' ? 'cityHash64(endpoint)' : `cityHash64(${keyNames(statistic)})`,
  };
}

function keyNames(statistic: Statistic): string {
  return statistic.keys.map(({ name }) => name).join(', ');
}

function cascade(statistic: Statistic, table: string, of: { finer: string; bucket: string }): FillingView {
  const measures = [...statistic.measures, { name: '_stored', merge: 'max' as const }];
  const time = `${of.bucket}(finer.time)`;
  return {
    kind: 'view',
    name: `${table}_mv`,
    from: of.finer,
    to: table,
    select: (from) => `SELECT ${keyNames(statistic)}, ${time} AS time,
  ${measures.map(({ name, merge }) => `${merge}(finer.${name}) AS ${name}`).join(', ')}
FROM ${from} AS finer
GROUP BY ${keyNames(statistic)}, ${time}`,
  };
}

function firstViews(statistic: Statistic, table: string): FillingView[] {
  switch (statistic.name) {
    case 'net':
      // A lateral flow has two internal ends: a second view, since an ARRAY JOIN would cost every flow.
      return [
        netView(table, { name: `${table}_mv`, responder: 'inbound', where: "class = 'network'" }),
        netView(table, {
          name: `${table}_lateral_mv`,
          responder: 'always',
          where: "class = 'network' AND direction = 'lateral'",
        }),
      ];
    case 'device':
      return [
        {
          kind: 'view',
          name: `${table}_mv`,
          from: 'events',
          to: table,
          select: (
            from,
          ) => `SELECT device, metric, toStartOfMinute(event.time) AS time, count() AS n, sum(event.value) AS sum,
  sum(event.value * event.value) AS sum_squares, min(event.value) AS min, max(event.value) AS max,
  max((event.time, event.value)) AS last, sum(event.late) AS late, max(event._stored) AS _stored
FROM ${from} AS event WHERE class = 'reading'
GROUP BY device, metric, toStartOfMinute(event.time)`,
        },
      ];
  }
}

/** `responder`: for which of the flows the endpoint is the destination. */
function netView(to: string, of: { name: string; responder: 'inbound' | 'always'; where: string }): FillingView {
  const ofSide = (asResponder: string, asOriginator: string): string =>
    of.responder === 'always' ? asResponder : `if(direction = 'inbound', ${asResponder}, ${asOriginator})`;
  const endpoint = ofSide('event.dst_ip', 'event.src_ip');
  return {
    kind: 'view',
    name: of.name,
    from: 'events',
    to,
    select: (from) => `SELECT ${endpoint} AS endpoint, direction, toStartOfMinute(event.time) AS time, count() AS flows,
  sum(${ofSide('event.bytes_in', 'event.bytes_out')}) AS bytes_out,
  sum(${ofSide('event.bytes_out', 'event.bytes_in')}) AS bytes_in,
  sum(${ofSide('event.packets_in', 'event.packets_out')}) AS packets_out,
  sum(${ofSide('event.packets_out', 'event.packets_in')}) AS packets_in,
  countIf(${FAILED_SQL}) AS failed, sum(event.late) AS late, max(event._stored) AS _stored
FROM ${from} AS event WHERE ${of.where}
GROUP BY endpoint, direction, toStartOfMinute(event.time)`,
  };
}
