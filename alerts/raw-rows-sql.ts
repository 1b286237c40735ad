import { PANE_MS } from '../model/time.ts';
import { parseAddress } from '../model/address.ts';
import type { Episode } from './alert.ts';
import { sqlString } from './hostile-text.ts';
import { isoTime } from './measure-text.ts';

/** What is shown before it began, so that one sees the change: readings are sparse, flows are not. */
const LEAD_MS = { host: 60_000, device: 3_600_000, source: 3_600_000 } as const;
const MOST_ROWS = 1000;

const FLOW_COLUMNS = [
  'time', 'start_time', 'src', 'src_port', 'dst', 'dst_port', 'protocol', 'service', 'conn_state',
  'bytes_out', 'bytes_in', 'packets_out', 'packets_in', 'session_uid', 'raw',
]; // prettier-ignore
const READING_COLUMNS = ['time', 'device', 'metric', 'value', 'unit', 'late', '_src', 'raw'];

/**
 * The SQL that gives the raw rows that an episode is about, over the view `vedette.events`. All of a flood's target is
 * its traffic in; all of a rogue host is what it has on either side of a connection, largest first.
 */
export function rawRowsSql(episode: Episode): string {
  const from = sqlTime(episode.sinceMs - LEAD_MS[episode.entityKind]);
  const to = sqlTime(episode.lastPaneMs + PANE_MS);
  const { columns, where, order } = rowsOf(episode);
  return [
    `SELECT ${columns.join(', ')}`,
    'FROM vedette.events',
    `WHERE time >= ${from} AND time < ${to}`,
    ...where.map((condition) => `  AND ${condition}`),
    `ORDER BY ${order}`,
    `LIMIT ${MOST_ROWS}`,
  ].join('\n');
}

function rowsOf(episode: Episode): { columns: readonly string[]; where: string[]; order: string } {
  const { entity } = episode;
  switch (episode.entityKind) {
    case 'host': {
      const isTarget = episode.family === 'denial-of-service';
      return {
        columns: FLOW_COLUMNS,
        where: [
          "class = 'network'",
          isTarget ? endIs('dst_ip', entity) : eitherEndIs(entity),
          ...peerCondition(episode),
        ],
        order: isTarget ? 'time' : 'greatest(bytes_out, bytes_in) DESC',
      };
    }
    case 'device':
      return {
        columns: READING_COLUMNS,
        where: [`device = ${sqlString(entity)}`, ...metricCondition(episode)],
        order: 'time',
      };
    case 'source': {
      // A source's id is its name, then # and its incarnation.
      const name = sqlString(entity);
      const prefix = sqlString(`${entity}#`);
      return { columns: READING_COLUMNS, where: [`(_src = ${name} OR startsWith(_src, ${prefix}))`], order: 'time' };
    }
  }
}

/** Only where all of the evidence is about one and the same other end. */
function peerCondition(episode: Episode): string[] {
  const peer = onlyOne(episode.evidence.map((finding) => finding.peer));
  return peer !== undefined && parseAddress(peer) ? [eitherEndIs(peer)] : [];
}

function metricCondition(episode: Episode): string[] {
  const metric = onlyOne(episode.evidence.map((finding) => finding.metric));
  return metric === undefined ? [] : [`metric = ${sqlString(metric)}`];
}

function onlyOne(values: readonly (string | undefined)[]): string | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

function eitherEndIs(address: string): string {
  return `(${endIs('src_ip', address)} OR ${endIs('dst_ip', address)})`;
}

function endIs(column: string, address: string): string {
  return `${column} = toIPv6(${sqlString(address)})`;
}

function sqlTime(timeMs: number): string {
  return `toDateTime64('${isoTime(timeMs).slice(0, 23).replace('T', ' ')}', 3, 'UTC')`;
}
