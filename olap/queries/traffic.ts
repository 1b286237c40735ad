import { z } from 'zod';
import { FAILED_SQL } from '../schema/statistics-tables.ts';
import { address, IN_RANGE, type NamedQuery, range, rowLimit } from './named-query.ts';
import { slidingParameters, slidingSql } from './sliding-window.ts';

const SENT = 'if(src_ip = toIPv6({endpoint:String}), bytes_out, bytes_in)';
const RECEIVED = 'if(src_ip = toIPv6({endpoint:String}), bytes_in, bytes_out)';
const PEER = 'if(src_ip = toIPv6({endpoint:String}), dst_ip, src_ip)';
const OF_ENDPOINT = '(src_ip = toIPv6({endpoint:String}) OR dst_ip = toIPv6({endpoint:String}))';

export const TRAFFIC_QUERIES: readonly NamedQuery[] = [
  {
    name: 'endpoint-window',
    title: 'Traffic of an endpoint over a sliding window',
    description:
      'At each step, of the window before it: flows, failed flows, bytes from and to the endpoint, the share that it sent (PCR), distinct peers. From raw events, for a window of any length.',
    parameters: slidingParameters({ endpoint: address }),
    sql: slidingSql({
      source: 'vedette.events',
      where: `class = 'network' AND ${OF_ENDPOINT}`,
      slots: [
        'count() AS slot_flows',
        `countIf(${FAILED_SQL}) AS slot_failed`,
        `sum(${SENT}) AS slot_out`,
        `sum(${RECEIVED}) AS slot_in`,
        `groupUniqArray(${PEER}) AS slot_peers`,
      ],
      empty: ['toUInt64(0)', 'toUInt64(0)', 'toUInt64(0)', 'toUInt64(0)', 'CAST([] AS Array(IPv6))'],
      outputs: [
        'sum(slot_flows) OVER w AS flows',
        'sum(slot_failed) OVER w AS failed',
        'sum(slot_out) OVER w AS bytes_out',
        'sum(slot_in) OVER w AS bytes_in',
        'if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr',
        'uniqExactArray(slot_peers) OVER w AS peers',
      ],
    }),
  },
  {
    name: 'top-talkers',
    title: 'Endpoints that sent the most',
    description: 'Internal endpoints by bytes sent, from the statistics of one minute.',
    parameters: z.strictObject({ ...range, limit: rowLimit }),
    sql: `SELECT host, sum(net.flows) AS flows, sum(net.bytes_out) AS bytes_out, sum(net.bytes_in) AS bytes_in,
  sum(net.failed) AS failed
FROM vedette.net_1m AS net
WHERE ${IN_RANGE} AND direction != 'external'
GROUP BY host ORDER BY bytes_out DESC, host LIMIT {limit:UInt32}`,
  },
  {
    name: 'host-flows',
    title: 'Flows of a host',
    description: 'Raw flows with this host at either end, newest first.',
    parameters: z.strictObject({ ...range, endpoint: address, limit: rowLimit }),
    sql: `SELECT time, src, src_port, dst, dst_port, protocol, direction, conn_state, service, duration_ms,
  bytes_out, bytes_in, packets_out, packets_in, late, session_uid
FROM vedette.events
WHERE class = 'network' AND ${IN_RANGE} AND ${OF_ENDPOINT}
ORDER BY time DESC, _src, _pos LIMIT {limit:UInt32}`,
  },
  {
    name: 'host-peers',
    title: 'Whom a host talked to',
    description: "The other ends of a host's flows, by bytes that the host sent.",
    parameters: z.strictObject({ ...range, endpoint: address, limit: rowLimit }),
    sql: `SELECT if(src_ip = toIPv6({endpoint:String}), dst, src) AS peer, count() AS flows,
  sum(${SENT}) AS sent, sum(${RECEIVED}) AS received, min(event.time) AS first_time, max(event.time) AS last_time
FROM vedette.events AS event
WHERE class = 'network' AND ${IN_RANGE} AND ${OF_ENDPOINT}
GROUP BY peer ORDER BY sent DESC, peer LIMIT {limit:UInt32}`,
  },
];
