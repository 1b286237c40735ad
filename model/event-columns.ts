/**
 * The columns of one event: the one list from which the block codec, the ClickHouse table and the schema page are made.
 * The order is the order in a block. Columns may be appended in a later version, never renamed or re-typed.
 */

/** How a column is laid out in a block (ClickHouse Native, little endian). */
export type ColumnKind =
  | 'u8' // one byte; also Enum8 and Bool
  | 'u16'
  | 'u32'
  | 'u64' // unsigned; values are JavaScript numbers, so at most 2^53
  | 'time' // milliseconds since 1970 UTC, as DateTime64(3)
  | 'f64'
  | 'ip' // 16 bytes, network order; IPv4 as ::ffff:a.b.c.d
  | 'string' // varint length, bytes
  | 'dict'; // LowCardinality(String): a dictionary a block and an index a row

export interface ColumnSpec {
  readonly name: string;
  /** ClickHouse type, spelt as ClickHouse prints it, so that Native needs no conversion. */
  readonly type: string;
  readonly kind: ColumnKind;
  readonly doc: string;
}

function enum8(values: readonly string[]): string {
  return `Enum8(${values.map((value, index) => `'${value}' = ${index}`).join(', ')})`;
}

/** What a record describes. `network` is a flow; OCSF's class numbers are given by {@link OCSF_CLASS_UID}. */
export const EVENT_CLASSES = ['generic', 'network', 'dns', 'http', 'tls', 'reading'] as const;
export type EventClassName = (typeof EVENT_CLASSES)[number];

/** Index into {@link EVENT_CLASSES}; the value stored in column `class`. */
export const EventClass = { generic: 0, network: 1, dns: 2, http: 3, tls: 4, reading: 5 } as const;

/** OCSF 1.8 class_uid of each {@link EVENT_CLASSES}; readings and generic records have no class and are Base Event (0). */
export const OCSF_CLASS_UID: Readonly<Record<EventClassName, number>> = {
  generic: 0,
  network: 4001,
  dns: 4003,
  http: 4002,
  tls: 4001,
  reading: 0,
};

/** Where a flow goes, seen from the internal networks. `lateral`: both ends internal; `external`: none. */
export const DIRECTIONS = ['unknown', 'inbound', 'outbound', 'lateral', 'external'] as const;
export const Direction = { unknown: 0, inbound: 1, outbound: 2, lateral: 3, external: 4 } as const;

/** Zeek's connection states (https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html), '' where unknown. */
export const CONN_STATES = [
  '', 'S0', 'S1', 'SF', 'REJ', 'S2', 'S3', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH', 'SH', 'SHR', 'OTH',
] as const; // prettier-ignore

export const EVENT_COLUMNS = [
  { name: 'class', type: enum8(EVENT_CLASSES), kind: 'u8', doc: 'what the record describes' },
  {
    name: 'log',
    type: 'LowCardinality(String)',
    kind: 'dict',
    doc: 'kind of log inside its format: conn, dns, weird, readings …',
  },
  {
    name: 'time',
    type: "DateTime64(3, 'UTC')",
    kind: 'time',
    doc: 'event time: the end of a flow, the moment of anything else',
  },
  {
    name: 'start_time',
    type: "DateTime64(3, 'UTC')",
    kind: 'time',
    doc: 'start of a flow; equals time where there is no duration',
  },
  {
    name: 'received_time',
    type: "DateTime64(3, 'UTC')",
    kind: 'time',
    doc: 'wall clock of the listener, stamped once',
  },
  {
    name: 'late',
    type: 'UInt8',
    kind: 'u8',
    doc: "1: older than its source's watermark when read; stored, but not in windows",
  },
  { name: 'src_ip', type: 'IPv6', kind: 'ip', doc: 'originator' },
  { name: 'src_port', type: 'UInt16', kind: 'u16', doc: 'originator port' },
  { name: 'dst_ip', type: 'IPv6', kind: 'ip', doc: 'responder' },
  { name: 'dst_port', type: 'UInt16', kind: 'u16', doc: 'responder port' },
  { name: 'direction', type: enum8(DIRECTIONS), kind: 'u8', doc: 'seen from the internal networks' },
  { name: 'proto', type: 'UInt8', kind: 'u8', doc: 'IANA protocol number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6' },
  { name: 'conn_state', type: enum8(CONN_STATES), kind: 'u8', doc: "Zeek's connection state" },
  { name: 'bytes_out', type: 'UInt64', kind: 'u64', doc: 'payload bytes, originator to responder' },
  { name: 'bytes_in', type: 'UInt64', kind: 'u64', doc: 'payload bytes, responder to originator' },
  { name: 'packets_out', type: 'UInt64', kind: 'u64', doc: 'packets, originator to responder' },
  { name: 'packets_in', type: 'UInt64', kind: 'u64', doc: 'packets, responder to originator' },
  { name: 'session_uid', type: 'String', kind: 'string', doc: "the sensor's id of the connection (Zeek uid)" },
  { name: 'service', type: 'LowCardinality(String)', kind: 'dict', doc: 'application protocol as the sensor names it' },
  { name: 'history', type: 'LowCardinality(String)', kind: 'dict', doc: 'TCP flag history as Zeek writes it' },
  { name: 'dns_query', type: 'String', kind: 'string', doc: 'queried name' },
  { name: 'dns_type', type: 'LowCardinality(String)', kind: 'dict', doc: 'query type name: A, TXT …' },
  { name: 'dns_rcode', type: 'LowCardinality(String)', kind: 'dict', doc: 'answer code name: NOERROR, NXDOMAIN …' },
  { name: 'http_method', type: 'LowCardinality(String)', kind: 'dict', doc: 'request method' },
  { name: 'http_host', type: 'String', kind: 'string', doc: 'Host header' },
  { name: 'http_path', type: 'String', kind: 'string', doc: 'request target' },
  { name: 'http_status', type: 'UInt16', kind: 'u16', doc: 'status code' },
  { name: 'tls_name', type: 'String', kind: 'string', doc: 'server name indication' },
  { name: 'device', type: 'LowCardinality(String)', kind: 'dict', doc: 'device a reading comes from' },
  { name: 'metric', type: 'LowCardinality(String)', kind: 'dict', doc: 'what a reading measures' },
  { name: 'value', type: 'Float64', kind: 'f64', doc: 'value of a reading' },
  { name: 'unit', type: 'LowCardinality(String)', kind: 'dict', doc: 'unit of a reading' },
  { name: 'sensor', type: 'LowCardinality(String)', kind: 'dict', doc: 'who wrote the record' },
  { name: 'site', type: 'LowCardinality(String)', kind: 'dict', doc: 'site, from the configuration' },
  {
    name: 'src_group',
    type: 'LowCardinality(String)',
    kind: 'dict',
    doc: 'host group of the originator, from the configuration',
  },
  {
    name: 'dst_group',
    type: 'LowCardinality(String)',
    kind: 'dict',
    doc: 'host group of the responder, from the configuration',
  },
  { name: 'raw', type: 'String', kind: 'string', doc: 'the line as it was received' },
  { name: '_src', type: 'LowCardinality(String)', kind: 'dict', doc: 'source id, with its incarnation' },
  { name: '_pos', type: 'UInt64', kind: 'u64', doc: 'position in the source; rises within a source' },
] as const satisfies readonly ColumnSpec[];

export type EventColumnName = (typeof EVENT_COLUMNS)[number]['name'];

/** Index of each column in {@link EVENT_COLUMNS}. */
export const COLUMN_INDEX = Object.fromEntries(EVENT_COLUMNS.map((column, index) => [column.name, index])) as Readonly<
  Record<EventColumnName, number>
>;

/** Columns that the sink adds in front of a block: the log's partition and offset, known only after the append. */
export const SINK_COLUMNS = [
  { name: '_part', type: 'UInt16', kind: 'u16', doc: 'partition of the log' },
  { name: '_off', type: 'UInt64', kind: 'u64', doc: 'offset of the block in the partition' },
] as const satisfies readonly ColumnSpec[];
