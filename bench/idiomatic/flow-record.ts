/** A Zeek conn record as JSON.parse gives it. */
interface ZeekConn {
  readonly ts: number;
  readonly uid: string;
  readonly 'id.orig_h': string;
  readonly 'id.orig_p': number;
  readonly 'id.resp_h': string;
  readonly 'id.resp_p': number;
  readonly proto: string;
  readonly service?: string;
  readonly duration?: number;
  readonly orig_bytes?: number;
  readonly resp_bytes?: number;
  readonly conn_state?: string;
  readonly orig_pkts?: number;
  readonly resp_pkts?: number;
}

export type FlowDirection = 'inbound' | 'outbound' | 'lateral' | 'external';

export interface FlowRecord {
  readonly timeMs: number;
  readonly startMs: number;
  readonly uid: string;
  readonly src: string;
  readonly srcPort: number;
  readonly dst: string;
  readonly dstPort: number;
  readonly direction: FlowDirection;
  readonly proto: number;
  readonly service: string;
  readonly connState: string;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly packetsOut: number;
  readonly packetsIn: number;
}

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 };
const PRIVATE_172 = /^172\.(1[6-9]|2\d|3[01])\./;

/** One line of conn JSON, normalised. Throws where it is no JSON. */
export function parseFlow(line: string): FlowRecord {
  const conn = JSON.parse(line) as ZeekConn;
  const src = conn['id.orig_h'];
  const dst = conn['id.resp_h'];
  const startMicros = Math.round(conn.ts * 1e6);
  const durationMicros = Math.round((conn.duration ?? 0) * 1e6);
  return {
    timeMs: Math.floor((startMicros + durationMicros) / 1000),
    startMs: Math.floor(startMicros / 1000),
    uid: conn.uid,
    src,
    srcPort: conn['id.orig_p'],
    dst,
    dstPort: conn['id.resp_p'],
    direction: directionOf(isInternal(src), isInternal(dst)),
    proto: PROTOCOLS[conn.proto] ?? 0,
    service: conn.service ?? '',
    connState: conn.conn_state ?? '',
    bytesOut: conn.orig_bytes ?? 0,
    bytesIn: conn.resp_bytes ?? 0,
    packetsOut: conn.orig_pkts ?? 0,
    packetsIn: conn.resp_pkts ?? 0,
  };
}

function directionOf(isFromInside: boolean, isToInside: boolean): FlowDirection {
  if (isFromInside) return isToInside ? 'lateral' : 'outbound';
  return isToInside ? 'inbound' : 'external';
}

/** RFC 1918, IPv4 only. */
function isInternal(address: string): boolean {
  return address.startsWith('10.') || address.startsWith('192.168.') || PRIVATE_172.test(address);
}

/** The row as JSONEachRow takes it. */
export function eventRow(flow: FlowRecord, raw: string, position: number): object {
  return {
    class: 'network',
    log: 'conn',
    time: flow.timeMs,
    start_time: flow.startMs,
    received_time: Date.now(),
    src_ip: `::ffff:${flow.src}`,
    src_port: flow.srcPort,
    dst_ip: `::ffff:${flow.dst}`,
    dst_port: flow.dstPort,
    direction: flow.direction,
    proto: flow.proto,
    conn_state: flow.connState,
    bytes_out: flow.bytesOut,
    bytes_in: flow.bytesIn,
    packets_out: flow.packetsOut,
    packets_in: flow.packetsIn,
    session_uid: flow.uid,
    service: flow.service,
    raw,
    _src: 'load',
    _pos: position,
  };
}
