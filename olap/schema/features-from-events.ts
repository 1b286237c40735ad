import { EVENTS_TABLE } from './events-table.ts';
import type { FeatureTable } from './feature-tables.ts';

const REFLECTED = "direction = 'outbound' AND packets_out = 0 AND packets_in > 0";

/**
 * The same features from raw events, by the SQL that each feature declares (late records are in no window). Features
 * that raw rows of one window do not tell are left out.
 */
export function featuresFromEvents(table: FeatureTable): string {
  const { features, windowMs, entity } = table.declared;
  const seconds = windowMs / 1000;
  const time = `toDateTime(intDiv(toUnixTimestamp64Milli(time), ${windowMs}) * ${seconds}, 'UTC') AS window`;
  const columns = features.flatMap(({ name, sql }) => (sql === undefined ? [] : [`${sql} AS ${name}`]));
  switch (entity) {
    case 'host':
      // The internal end at stage 1: the destination of inbound flows, the source of all others.
      return select(`if(direction = 'inbound', dst_ip, src_ip) AS host, ${time}`, ['host'], {
        columns,
        from: EVENTS_TABLE,
        where: "late = 0 AND class IN ('network', 'dns') AND direction IN ('inbound', 'outbound', 'lateral')",
      });
    case 'target':
      // A flow that only its responder sent anything in is traffic to its originator: an answer that nobody asked for.
      return select(`dst_ip AS target, ${time}`, ['target'], {
        columns,
        from: `(SELECT * REPLACE (if(reflected, src_ip, dst_ip) AS dst_ip, if(reflected, dst_ip, src_ip) AS src_ip,
    if(reflected, bytes_in, bytes_out) AS bytes_out, if(reflected, packets_in, packets_out) AS packets_out)
    FROM (SELECT *, ${REFLECTED} AS reflected FROM ${EVENTS_TABLE} WHERE late = 0 AND class = 'network')
    WHERE direction IN ('inbound', 'lateral') OR reflected)`,
        where: '1',
      });
    case 'series':
      return select(`device, metric, ${time}`, ['device', 'metric'], {
        columns: [...columns, 'toFloat64(max(gap_ms)) AS longest_gap_ms'],
        from: `(SELECT *, toUnixTimestamp64Milli(time) AS at_ms, at_ms - lagInFrame(at_ms, 1, at_ms) OVER (
    PARTITION BY device, metric ORDER BY at_ms, _pos ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) AS gap_ms FROM ${EVENTS_TABLE} WHERE late = 0 AND class = 'reading')`,
        where: '1',
      });
  }
}

/** Keys are computed in a query of their own: a feature may have the name of a raw column. */
function select(
  keys: string,
  names: readonly string[],
  of: { columns: readonly string[]; from: string; where: string },
): string {
  const named = names.join(', ');
  return `SELECT ${named}, window AS time, ${of.columns.map((column) => column.split(' AS ').at(-1)!).join(', ')}
FROM (
  SELECT ${keys}, ${of.columns.join(',\n    ')}
  FROM ${of.from} WHERE ${of.where}
  GROUP BY ${named}, window
  SETTINGS prefer_column_name_to_alias = 1
)`;
}
