import { CONN_STATES, EventClass } from '../../model/event-columns.ts';

/** Slots in a FieldTable of the Zeek fields that become columns or tell what a record is. */
export const ZeekField = {
  ts: 0,
  uid: 1,
  origHost: 2,
  origPort: 3,
  respHost: 4,
  respPort: 5,
  proto: 6,
  service: 7,
  duration: 8,
  origBytes: 9,
  respBytes: 10,
  connState: 11,
  history: 12,
  origPackets: 13,
  respPackets: 14,
  query: 15,
  queryTypeName: 16,
  answerCodeName: 17,
  method: 18,
  host: 19,
  uri: 20,
  statusCode: 21,
  serverName: 22,
  /** `_path`, as Zeek's JSON streaming writes it. */
  path: 23,
  /** `@stream`, as the Kafka writer and Corelight's exporter write it. */
  stream: 24,
  systemName: 25,
  system: 26,
  nodeName: 27,
  queryType: 28,
  cipher: 29,
} as const;

export const ZEEK_FIELD_COUNT = 30;

const NUMBER_SLOTS = new Uint8Array(ZEEK_FIELD_COUNT);
for (const slot of [
  ZeekField.ts, ZeekField.origPort, ZeekField.respPort, ZeekField.duration, ZeekField.origBytes, ZeekField.respBytes,
  ZeekField.origPackets, ZeekField.respPackets, ZeekField.statusCode,
]) NUMBER_SLOTS[slot] = 1; // prettier-ignore

/** Whether a slot's values are numbers, which in TSV nothing else tells. */
export function isNumberSlot(slot: number): boolean {
  return NUMBER_SLOTS[slot] === 1;
}

/** Slot by the field's name in a record: dotted, with underscores, or (the same key, dotted) inside an object `id`. */
export const ZEEK_FIELD_NAMES: ReadonlyMap<string, number> = new Map<string, number>([
  ['ts', ZeekField.ts],
  ['uid', ZeekField.uid],
  ['id.orig_h', ZeekField.origHost],
  ['id_orig_h', ZeekField.origHost],
  ['id.orig_p', ZeekField.origPort],
  ['id_orig_p', ZeekField.origPort],
  ['id.resp_h', ZeekField.respHost],
  ['id_resp_h', ZeekField.respHost],
  ['id.resp_p', ZeekField.respPort],
  ['id_resp_p', ZeekField.respPort],
  ['proto', ZeekField.proto],
  ['service', ZeekField.service],
  ['duration', ZeekField.duration],
  ['orig_bytes', ZeekField.origBytes],
  ['resp_bytes', ZeekField.respBytes],
  ['conn_state', ZeekField.connState],
  ['history', ZeekField.history],
  ['orig_pkts', ZeekField.origPackets],
  ['resp_pkts', ZeekField.respPackets],
  ['query', ZeekField.query],
  ['qtype_name', ZeekField.queryTypeName],
  ['rcode_name', ZeekField.answerCodeName],
  ['method', ZeekField.method],
  ['host', ZeekField.host],
  ['uri', ZeekField.uri],
  ['status_code', ZeekField.statusCode],
  ['server_name', ZeekField.serverName],
  ['_path', ZeekField.path],
  ['@stream', ZeekField.stream],
  ['_system_name', ZeekField.systemName],
  ['@system', ZeekField.system],
  ['_node_name', ZeekField.nodeName],
  ['qtype', ZeekField.queryType],
  ['cipher', ZeekField.cipher],
]);

/** Class of the logs that have one of their own; every other log is generic. */
const LOG_CLASSES: ReadonlyMap<string, number> = new Map<string, number>([
  ['conn', EventClass.network],
  ['dns', EventClass.dns],
  ['http', EventClass.http],
  ['ssl', EventClass.tls],
]);

/** A log by name, with the name as bytes, so that it can be compared with a record's and copied into a row. */
export interface ZeekLog {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly eventClass: number;
  /** Its records have no time (it lists what Zeek loaded, not what happened), so they are no events. */
  readonly isTimeless: boolean;
}

export function zeekLog(name: string): ZeekLog {
  return {
    name,
    bytes: Uint8Array.from(Buffer.from(name)),
    eventClass: LOG_CLASSES.get(name) ?? EventClass.generic,
    isTimeless: name === 'loaded_scripts',
  };
}

export const CONN_LOG = zeekLog('conn');
export const DNS_LOG = zeekLog('dns');
export const HTTP_LOG = zeekLog('http');
export const SSL_LOG = zeekLog('ssl');
/** A log with no class of its own, or one of which nobody tells the name. */
export const OTHER_LOG = zeekLog('');

const LOGS_TO_KNOW = [CONN_LOG, DNS_LOG, HTTP_LOG, SSL_LOG, zeekLog('loaded_scripts')];

/** The log that a record names at bytes[start, end): of the logs that are treated in some way of their own, or OTHER_LOG. */
export function zeekLogNamed(bytes: Uint8Array, start: number, end: number): ZeekLog {
  search: for (const log of LOGS_TO_KNOW) {
    const name = log.bytes;
    if (name.length !== end - start) continue;
    for (let index = 0; index < name.length; index++) if (name[index] !== bytes[start + index]) continue search;
    return log;
  }
  return OTHER_LOG;
}

/** Logs of a default Zeek installation, by which a file's name is believed to name a log. */
const KNOWN_LOGS = new Set(
  (
    'analyzer,broker,capture_loss,cluster,conn,config,dce_rpc,dhcp,dnp3,dns,dpd,files,ftp,http,intel,irc,kerberos,' +
    'known_certs,known_hosts,known_services,ldap,ldap_search,loaded_scripts,modbus,mqtt_connect,mqtt_publish,' +
    'mqtt_subscribe,mysql,notice,notice_alarm,ntlm,ntp,ocsp,packet_filter,pe,postgresql,quic,radius,rdp,redis,reporter,' +
    'rfb,signatures,sip,smb_cmd,smb_files,smb_mapping,smtp,snmp,socks,software,ssh,ssl,stats,syslog,telemetry,' +
    'traceroute,tunnel,unknown_protocols,websocket,weird,x509'
  ).split(','),
);

/** The log that a file's name tells: `conn.log`, `/x/http.log.gz`, `dns.15:00:00-16:00:00.log.gz`, `ssl-2026.json`. */
export function zeekLogFromFileName(fileName: string): ZeekLog | undefined {
  const name = fileName.slice(Math.max(fileName.lastIndexOf('/'), fileName.lastIndexOf('\\')) + 1).toLowerCase();
  const stem = /^[a-z0-9]+(?:_[a-z]+[a-z0-9]*)*/.exec(name)?.[0] ?? '';
  return KNOWN_LOGS.has(stem) ? zeekLog(stem) : undefined;
}

const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map<string, number>([
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmp6', 58],
  ['sctp', 132],
]);

const TCP = 0x746370;
const UDP = 0x756470;

/** IANA protocol number of a name at bytes[start, end); 0 where Zeek doesn't know it (`unknown_transport`). */
export function protocolNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 3) {
    const letters = (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
    if (letters === TCP) return 6;
    if (letters === UDP) return 17;
  }
  return PROTOCOL_NUMBERS.get(shortText(bytes, start, end)) ?? 0;
}

/** Index in CONN_STATES by {@link stateHash}, which tells all states apart. */
const CONN_STATE_BY_HASH = new Uint8Array(64);
const CONN_STATE_BYTES = CONN_STATES.map((state) => Uint8Array.from(Buffer.from(state)));
CONN_STATE_BYTES.forEach((state, index) => {
  if (index > 0) CONN_STATE_BY_HASH[stateHash(state, 0, state.length)] = index;
});

function stateHash(bytes: Uint8Array, start: number, end: number): number {
  return (bytes[start]! + bytes[end - 1]!) & 63;
}

/** Index in CONN_STATES of a state at bytes[start, end); 0 where it is unknown. */
export function connStateIndex(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return 0;
  const index = CONN_STATE_BY_HASH[stateHash(bytes, start, end)]!;
  const state = CONN_STATE_BYTES[index]!;
  if (state.length !== end - start) return 0;
  for (let at = 0; at < state.length; at++) if (state[at] !== bytes[start + at]) return 0;
  return index;
}

function shortText(bytes: Uint8Array, start: number, end: number): string {
  return end - start > 8 ? '' : String.fromCharCode(...bytes.subarray(start, end));
}
