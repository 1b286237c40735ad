/**
 * The features, declared once: what the stream writes, what the tables hold, and what ClickHouse computes again from
 * raw events (`sql`, over the events of one entity and window with late = 0). A test on real logs holds both equal.
 */
export interface FeatureSpec {
  /** Column in the table. */
  readonly name: string;
  readonly type: 'UInt64' | 'Float64';
  readonly unit: string;
  readonly doc: string;
  /** The same from raw rows; undefined where raw rows of one window do not tell (new destinations need seven days). */
  readonly sql?: string;
}

export interface FeatureTable {
  readonly name: string;
  /** What a row is about: an address, or a device and metric. */
  readonly entity: 'host' | 'target' | 'series';
  readonly windowMs: number;
  readonly features: readonly FeatureSpec[];
}

const BYTES_OUT = "if(direction = 'inbound', bytes_in, bytes_out)";
const BYTES_IN = "if(direction = 'inbound', bytes_out, bytes_in)";
const PACKETS_OUT = "if(direction = 'inbound', packets_in, packets_out)";
const PACKETS_IN = "if(direction = 'inbound', packets_out, packets_in)";
const OUTSIDE = "class = 'network' and direction != 'lateral'";

function count(name: string, unit: string, doc: string, sql?: string): FeatureSpec {
  return { name, type: 'UInt64', unit, doc, ...(sql === undefined ? {} : { sql: `toUInt64(${sql})` }) };
}

/** From the host's own view: out is what it sent, whoever opened the connection. */
const HOST_FEATURES: readonly FeatureSpec[] = [
  count('flows', 'flows', 'flows that ended', "countIf(class = 'network')"),
  count('failed', 'flows', 'flows that were not answered or were refused (S0, REJ, RSTOS0, RSTRH, SH, SHR)',
    "countIf(class = 'network' and conn_state in ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'))"), // prettier-ignore
  count('bytes_out', 'bytes', 'payload sent', `sumIf(${BYTES_OUT}, class = 'network')`),
  count('bytes_in', 'bytes', 'payload received', `sumIf(${BYTES_IN}, class = 'network')`),
  count('packets_out', 'packets', 'packets sent', `sumIf(${PACKETS_OUT}, class = 'network')`),
  count('packets_in', 'packets', 'packets received', `sumIf(${PACKETS_IN}, class = 'network')`),
  count('dns_queries', 'queries', 'DNS queries asked', "countIf(class = 'dns' and direction != 'inbound')"),
  count('nxdomain', 'queries', 'of these, answered NXDOMAIN',
    "countIf(class = 'dns' and direction != 'inbound' and dns_rcode = 'NXDOMAIN')"), // prettier-ignore
  count('new_destinations', 'addresses', 'peers not met in the seven days before, by day'),
  count('outside_bytes_out', 'bytes', 'payload sent out of the internal networks', `sumIf(${BYTES_OUT}, ${OUTSIDE})`),
  count('outside_bytes_in', 'bytes', 'payload received from outside', `sumIf(${BYTES_IN}, ${OUTSIDE})`),
  count(
    'largest_flow_out',
    'bytes',
    'most payload sent out of the internal networks in one flow',
    `maxIf(${BYTES_OUT}, ${OUTSIDE})`,
  ),
  count('distinct_destinations', 'addresses', 'peers',
    "uniqExactIf(if(direction = 'inbound', src_ip, dst_ip), class = 'network')"), // prettier-ignore
  count('distinct_ports', 'ports', 'ports that the host connected to',
    "uniqExactIf(dst_port, class = 'network' and direction != 'inbound')"), // prettier-ignore
];

const READING_FEATURES: readonly FeatureSpec[] = [
  { name: 'n', type: 'Float64', unit: 'samples', doc: 'samples', sql: 'toFloat64(count())' },
  { name: 'mean', type: 'Float64', unit: 'of the metric', doc: 'mean', sql: 'avg(value)' },
  { name: 'min', type: 'Float64', unit: 'of the metric', doc: 'lowest', sql: 'min(value)' },
  { name: 'max', type: 'Float64', unit: 'of the metric', doc: 'highest', sql: 'max(value)' },
  {
    name: 'sd',
    type: 'Float64',
    unit: 'of the metric',
    doc: 'standard deviation (population)',
    sql: 'stddevPop(value)',
  },
  { name: 'last', type: 'Float64', unit: 'of the metric', doc: 'latest value', sql: 'argMax(value, (time, _pos))' },
  {
    name: 'longest_gap_ms',
    type: 'Float64',
    unit: 'ms',
    doc: 'longest time from one sample to the next, the one before the window included',
  },
];

const TARGET_FEATURES: readonly FeatureSpec[] = [
  count('flows', 'flows', 'flows to the target', 'count()'),
  count('packets', 'packets', 'packets to the target, at least one a flow', 'sum(greatest(packets_out, 1))'),
  count('bytes', 'bytes', 'payload to the target', 'sum(bytes_out)'),
  count('syn_only', 'packets', 'packets of TCP flows that never got past the SYN (S0, REJ, RSTOS0, SH); a flow longer than a pane by its mean share',
    "sumIf(if(time - start_time > 10, toUInt64(ceil(greatest(packets_out, 1) * 10000 / (toUnixTimestamp64Milli(time) - toUnixTimestamp64Milli(start_time)))), greatest(packets_out, 1)), proto = 6 and conn_state in ('S0', 'REJ', 'RSTOS0', 'SH') and direction != 'outbound')"), // prettier-ignore
  count('sources', 'addresses', 'distinct sources', 'uniqExact(src_ip)'),
];

export const FEATURE_TABLES: readonly FeatureTable[] = [
  { name: 'host_features_1m', entity: 'host', windowMs: 60_000, features: HOST_FEATURES },
  { name: 'host_features_5m', entity: 'host', windowMs: 300_000, features: HOST_FEATURES },
  { name: 'host_features_1h', entity: 'host', windowMs: 3_600_000, features: HOST_FEATURES },
  { name: 'reading_features_1m', entity: 'series', windowMs: 60_000, features: READING_FEATURES },
  { name: 'target_features_pane', entity: 'target', windowMs: 10_000, features: TARGET_FEATURES },
];
