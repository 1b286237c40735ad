import { type ConnRecord, type DnsRecord, type HttpRecord, type SslRecord } from './network-records.ts';
import { isInternal } from './site-plan.ts';

/** Renders records as Zeek's JSON log lines, without line ends. Times are µs after `dayStartMs`. */
export class ZeekJson {
  readonly #dayStartUs: number;

  constructor(dayStartMs: number) {
    this.#dayStartUs = dayStartMs * 1000;
  }

  conn(record: ConnRecord): string {
    const service = record.service === undefined ? '' : `"service":"${record.service}",`;
    const measured =
      record.durationUs === undefined
        ? ''
        : `"duration":${seconds(record.durationUs)},"orig_bytes":${record.origBytes},"resp_bytes":${record.respBytes},`;
    return (
      `{"ts":${this.#timestamp(record.startUs)},"uid":"${record.uid}",${ids(record, '.')},"proto":"${record.proto}",` +
      `${service}${measured}"conn_state":"${record.state}","local_orig":${isInternal(record.orig)},` +
      `"local_resp":${isInternal(record.resp)},"missed_bytes":0,"history":"${record.history}",` +
      `"orig_pkts":${record.origPackets},"orig_ip_bytes":${record.origIpBytes},` +
      `"resp_pkts":${record.respPackets},"resp_ip_bytes":${record.respIpBytes}}`
    );
  }

  dns(record: DnsRecord): string {
    const found = record.code === 'NOERROR';
    const answers = found
      ? `"answers":[${record.answers.map((answer) => `"${answer}"`).join(',')}],` +
        `"TTLs":[${record.answers.map(() => '300.0').join(',')}],`
      : '';
    return (
      `{"ts":${this.#timestamp(record.atUs)},"uid":"${record.conn.uid}",${ids(record.conn, '.')},"proto":"udp",` +
      `"trans_id":${record.transaction},"rtt":${seconds(record.roundTripUs)},"query":"${record.query}","qclass":1,` +
      `"qclass_name":"C_INTERNET","qtype":${DNS_TYPES[record.type]},"qtype_name":"${record.type}",` +
      `"rcode":${found ? 0 : 3},"rcode_name":"${record.code}","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,` +
      `${answers}"rejected":false}`
    );
  }

  /** With `@stream`, for files that mix logs. */
  http(record: HttpRecord): string {
    return (
      `{"@stream":"http","ts":${this.#timestamp(record.atUs)},"uid":"${record.conn.uid}",${ids(record.conn, '_')},` +
      `"trans_depth":1,"method":"${record.method}","host":"${record.host}","uri":"${record.path}","version":"1.1",` +
      `"user_agent":"${record.userAgent}","request_body_len":${record.requestBytes},` +
      `"response_body_len":${record.responseBytes},"status_code":${record.status},` +
      `"status_msg":"${HTTP_MESSAGES[record.status] ?? 'Unknown'}","tags":[]}`
    );
  }

  /** With `@stream`, for files that mix logs. */
  ssl(record: SslRecord): string {
    return (
      `{"@stream":"ssl","ts":${this.#timestamp(record.atUs)},"uid":"${record.conn.uid}",${ids(record.conn, '_')},` +
      `"version":"TLSv13","cipher":"TLS_AES_128_GCM_SHA256","curve":"x25519","server_name":"${record.name}",` +
      `"resumed":${record.resumed},"established":true}`
    );
  }

  #timestamp(us: number): string {
    return seconds(this.#dayStartUs + us);
  }
}

const DNS_TYPES = { A: 1, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;

const HTTP_MESSAGES: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  301: 'Moved Permanently',
  304: 'Not Modified',
  404: 'Not Found',
};

function ids(conn: ConnRecord, separator: '.' | '_'): string {
  const id = `"id${separator}`;
  return `${id}orig_h":"${conn.orig}",${id}orig_p":${conn.origPort},${id}resp_h":"${conn.resp}",${id}resp_p":${conn.respPort}`;
}

/** µs as seconds with six decimals, exactly. */
function seconds(us: number): string {
  const whole = Math.floor(us / 1e6);
  return `${whole}.${String(us - whole * 1e6).padStart(6, '0')}`;
}
