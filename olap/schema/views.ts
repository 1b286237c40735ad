import { EVENT_CLASSES, EVENT_COLUMNS, OCSF_CLASS_UID, SINK_COLUMNS } from '../../model/event-columns.ts';
import { STORE_DATABASE } from './databases.ts';
import { EVENTS_TABLE } from './events-table.ts';
import { FEATURE_TABLES, type FeatureTable } from './feature-tables.ts';
import { featuresFromEvents } from './features-from-events.ts';
import { RESOLUTIONS } from './statistics-tables.ts';

/** A view that analysts query. Columns never hold states, rows never come twice. */
export interface ViewSpec {
  readonly name: string;
  readonly title: string;
  readonly sql: string;
}

/** IANA protocol numbers with a common name; others are shown as their number. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp', 2: 'igmp', 6: 'tcp', 17: 'udp', 41: 'ipv6', 47: 'gre', 50: 'esp', 58: 'icmp6', 89: 'ospf', 132: 'sctp',
}; // prettier-ignore

/** The text of an address as people write it: IPv4 without its IPv6 prefix. */
function addressText(column: string): string {
  return `if(startsWith(IPv6NumToString(${column}), '::ffff:'), substring(IPv6NumToString(${column}), 8), IPv6NumToString(${column}))`;
}

export function views(): ViewSpec[] {
  return [
    { name: 'events', title: 'every record', sql: eventsView() },
    ...RESOLUTIONS.flatMap(({ suffix }) => [
      { name: `net_${suffix}`, title: `traffic of each endpoint, ${suffix}`, sql: netView(suffix) },
      { name: `device_${suffix}`, title: `readings of each device and metric, ${suffix}`, sql: deviceView(suffix) },
    ]),
    ...FEATURE_TABLES.map((table) => ({
      name: table.name,
      title: 'features as the stream computed them',
      sql: featureView(table),
    })),
    ...FEATURE_TABLES.map((table) => ({
      name: `${table.name}_sql`,
      title: 'the same from raw events',
      sql: featuresFromEvents(table),
    })),
    { name: 'alerts', title: 'the newest state of each alert', sql: ALERTS_VIEW },
    { name: 'alert_history', title: 'every change of an alert', sql: ALERT_HISTORY_VIEW },
  ];
}

function eventsView(): string {
  const classUid = EVENT_CLASSES.map((name) => `'${name}', ${OCSF_CLASS_UID[name]}`).join(', ');
  const names = Object.entries(PROTOCOLS);
  const protocol = `transform(proto, [${names.map(([number]) => number).join(', ')}], [${names
    .map(([, name]) => `'${name}'`)
    .join(', ')}], toString(proto))`;
  const columns = [...EVENT_COLUMNS, ...SINK_COLUMNS].map(({ name }) => name);
  return `SELECT ${columns.join(', ')},
  caseWithExpression(toString(class), ${classUid}, 0) AS class_uid, ${protocol} AS protocol,
  toUnixTimestamp64Milli(time) - toUnixTimestamp64Milli(start_time) AS duration_ms,
  ${addressText('src_ip')} AS src, ${addressText('dst_ip')} AS dst
FROM ${EVENTS_TABLE}`;
}

function netView(suffix: string): string {
  const measures = ['flows', 'bytes_out', 'bytes_in', 'packets_out', 'packets_in', 'failed', 'late'];
  return `SELECT endpoint, direction, time, ${measures.map((name) => `sum(stored.${name}) AS ${name}`).join(', ')},
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr,
  ${addressText('endpoint')} AS host
FROM ${STORE_DATABASE}.net_${suffix} AS stored GROUP BY endpoint, direction, time`;
}

function deviceView(suffix: string): string {
  return `SELECT device, metric, time, sum(stored.n) AS n, sum(stored.sum) AS sum, min(toFloat64(stored.min)) AS min,
  max(toFloat64(stored.max)) AS max, sum(stored.sum_squares) AS sum_squares, sum / n AS mean,
  sqrt(greatest(0, sum_squares / n - mean * mean)) AS sd,
  tupleElement(max(stored.last), 2) AS last, tupleElement(max(stored.last), 1) AS last_time, sum(stored.late) AS late
FROM ${STORE_DATABASE}.device_${suffix} AS stored GROUP BY device, metric, time`;
}

function featureView(table: FeatureTable): string {
  const keys = table.keys.map(({ name }) => name);
  const shares =
    table.keys[0]?.name === 'host'
      ? `, if(flows = 0, 0, failed / flows) AS failed_share, if(dns_queries = 0, 0, nxdomain / dns_queries) AS nxdomain_share,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr`
      : '';
  return `SELECT ${[...keys, ...table.values.map(({ name }) => name)].join(', ')}${shares}
FROM ${STORE_DATABASE}.${table.name} FINAL`;
}

const ALERT_COLUMNS = `uid, version, time, status, family, detector, entity, entity_kind, severity, confidence,
  first_seen, last_seen, title, finding`;

const ALERTS_VIEW = `SELECT ${ALERT_COLUMNS}
FROM ${STORE_DATABASE}.alerts ORDER BY uid, version DESC LIMIT 1 BY uid`;

const ALERT_HISTORY_VIEW = `SELECT DISTINCT ${ALERT_COLUMNS} FROM ${STORE_DATABASE}.alerts`;
