import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A connection as Zeek's conn.log has it. */
export interface Connection {
  readonly startMs: number;
  readonly durationMs: number;
  readonly origin: string;
  readonly originPort: number;
  readonly responder: string;
  readonly responderPort: number;
  readonly protocol: 'tcp' | 'udp';
  readonly state: string;
  readonly history: string;
  readonly originBytes: number;
  readonly responderBytes: number;
  readonly originPackets: number;
  readonly responderPackets: number;
}

const FIELDS = [
  ['ts', 'time'], ['uid', 'string'], ['id.orig_h', 'addr'], ['id.orig_p', 'port'], ['id.resp_h', 'addr'],
  ['id.resp_p', 'port'], ['proto', 'enum'], ['duration', 'interval'], ['orig_bytes', 'count'], ['resp_bytes', 'count'],
  ['conn_state', 'string'], ['history', 'string'], ['orig_pkts', 'count'], ['orig_ip_bytes', 'count'],
  ['resp_pkts', 'count'], ['resp_ip_bytes', 'count'],
] as const; // prettier-ignore

const HEADER_BYTES = 40;

/** Writes connections as a TSV conn.log, in the order of their ends, as a sensor does. */
export async function writeConnLog(path: string, connections: readonly Connection[]): Promise<void> {
  const head = [
    '#separator \\x09',
    '#set_separator\t,',
    '#empty_field\t(empty)',
    '#unset_field\t-',
    '#path\tconn',
    `#fields\t${FIELDS.map(([name]) => name).join('\t')}`,
    `#types\t${FIELDS.map(([, type]) => type).join('\t')}`,
  ];
  const ordered = [...connections].sort((a, b) => a.startMs + a.durationMs - (b.startMs + b.durationMs));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${[...head, ...ordered.map(lineOf)].join('\n')}\n`);
}

function lineOf(connection: Connection, index: number): string {
  const { originPackets, originBytes, responderPackets, responderBytes } = connection;
  const isSinglePacket = connection.durationMs === 0;
  return [
    (connection.startMs / 1000).toFixed(6),
    `C${index.toString(36)}`,
    connection.origin,
    connection.originPort,
    connection.responder,
    connection.responderPort,
    connection.protocol,
    isSinglePacket ? '-' : (connection.durationMs / 1000).toFixed(6),
    originBytes,
    responderBytes,
    connection.state,
    connection.history,
    originPackets,
    originBytes + HEADER_BYTES * originPackets,
    responderPackets,
    responderBytes + HEADER_BYTES * responderPackets,
  ].join('\t');
}
