import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../../ingest/decoder.ts';
import { EventRow } from '../../../ingest/event-row.ts';
import { zeekJson } from '../../../ingest/decoders/zeek-json.ts';
import { zeekTsv } from '../../../ingest/decoders/zeek-tsv.ts';
import { formatAddress, parseAddress } from '../../../model/address.ts';
import { CONN_STATES, EVENT_CLASSES } from '../../../model/event-columns.ts';
import { readText } from './read-rows.ts';

const DATA = join(
  process.env['VEDETTE_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
  'zeek',
);

type NaiveRecord = Readonly<Record<string, unknown>>;

interface RealFile {
  readonly file: string;
  readonly format: Format;
  readonly events: number;
  readonly skipped: number;
}

const TSV = zeekTsv;
const JSON_LOG = zeekJson;
const FILES: readonly RealFile[] = [
  { file: 'strato-002/conn.log', format: JSON_LOG, events: 4504, skipped: 0 },
  { file: 'strato-008/conn.log.labeled', format: TSV, events: 5663, skipped: 8 },
  { file: 'strato-008/http.log.labeled', format: TSV, events: 342, skipped: 8 },
  { file: 'strato-008/ssl.log.labeled', format: TSV, events: 545, skipped: 8 },
  { file: 'strato-011/conn.log.labeled', format: TSV, events: 9048, skipped: 8 },
  { file: 'strato-011/dns.log.labeled', format: TSV, events: 4, skipped: 8 },
  { file: 'strato-011/http.log.labeled', format: TSV, events: 25, skipped: 8 },
  { file: 'strato-011/ssl.log.labeled', format: TSV, events: 2820, skipped: 8 },
  { file: 'rita-proxy-conn/conn.15:00:00-16:00:00.log.gz', format: TSV, events: 290, skipped: 9 },
  { file: 'rita-proxy-conn/conn.16:00:00-17:00:00.log.gz', format: TSV, events: 7260, skipped: 9 },
  { file: 'rita-proxy-conn/dns.15:00:00-16:00:00.log.gz', format: TSV, events: 20, skipped: 9 },
  { file: 'rita-proxy-conn/dns.16:00:00-17:00:00.log.gz', format: TSV, events: 3189, skipped: 9 },
  { file: 'rita-http-json/http.log.gz', format: JSON_LOG, events: 27204, skipped: 0 },
  { file: 'apt29-day2/combined_zeek.log', format: JSON_LOG, events: 2784, skipped: 2880 },
  { file: 'wrccdc-json/dns.json.gz', format: JSON_LOG, events: 53615, skipped: 0 },
  { file: 'wrccdc-json/modbus.json.gz', format: JSON_LOG, events: 268, skipped: 0 },
  { file: 'wrccdc-json/notice.json.gz', format: JSON_LOG, events: 207, skipped: 0 },
  { file: 'wrccdc-json/ntp.json.gz', format: JSON_LOG, events: 904, skipped: 0 },
  { file: 'wrccdc-json/rdp.json.gz', format: JSON_LOG, events: 4122, skipped: 0 },
  { file: 'wrccdc-json/ssl.json.gz', format: JSON_LOG, events: 49474, skipped: 0 },
  { file: 'wrccdc-json/syslog.json.gz', format: JSON_LOG, events: 2378, skipped: 0 },
  { file: 'wrccdc-json/weird.json.gz', format: JSON_LOG, events: 24202, skipped: 0 },
];

function readLog(file: string): Buffer {
  const content = readFileSync(join(DATA, file));
  return file.endsWith('.gz') ? gunzipSync(content) : content;
}

/** The same lines read the obvious way. */
function* naiveRecords(file: string, content: Buffer): Generator<NaiveRecord> {
  let fields: string[] = [];
  let path = /\/(conn|dns|http|ssl)\./.exec(file)?.[1];
  for (const line of content.toString('latin1').split('\n')) {
    if (line.startsWith('#fields\t')) fields = line.split('\t').slice(1);
    if (line.startsWith('#path\t')) path = line.split('\t')[1];
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('{')) {
      const record = JSON.parse(line) as NaiveRecord;
      yield { ...record, path: record['_path'] ?? record['@stream'] ?? path };
    } else {
      const values = line.split('\t').map((value) => (value === '-' ? undefined : value.replace(/^\(empty\)$/, '')));
      yield { ...Object.fromEntries(fields.map((field, column) => [field, values[column]])), path };
    }
  }
}

/** Microseconds of a naive time, exact: the digits of epoch seconds, or a date with its fraction. */
function naiveMicros(value: unknown): number {
  if (typeof value === 'string' && value.includes('T')) return Date.parse(value) * 1000 + Number(value.slice(23, 26));
  const [seconds, fraction = ''] = String(value).split('.');
  return Number(seconds) * 1e6 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function naiveDurationMicros(value: unknown): number {
  if (value === undefined) return 0;
  const exact = Number(value);
  return Math.trunc(Number((exact * 1e6).toFixed(3)));
}

const PROTO: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1 };
const CLASS: Readonly<Record<string, string>> = { conn: 'network', dns: 'dns', http: 'http', ssl: 'tls' };

function canonical(address: unknown): string {
  return formatAddress(parseAddress(String(address))!);
}

/** What is wrong with a row, by the naive record. */
function differences(row: EventRow, record: NaiveRecord): string[] {
  const get = (name: string): unknown => record[name.replace('_', '.')] ?? record[name];
  const path = String(record['path']);
  const found: string[] = [];
  const check = (name: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) found.push(`${name}: ${String(actual)} instead of ${String(expected)}`);
  };
  const startMicros = naiveMicros(record['ts']);
  const eventClass = CLASS[path] ?? 'generic';
  check('class', EVENT_CLASSES[row.eventClass], eventClass);
  check('log', readText(row, 'log'), path);
  check('start', row.startMs, Math.floor(startMicros / 1000));
  const durationMicros = eventClass === 'network' ? naiveDurationMicros(record['duration']) : 0;
  // The naive duration goes through a double and may be a microsecond off.
  const endMs = (startMicros + durationMicros) / 1000;
  if (Math.abs(row.timeMs + 0.5 - endMs) > 0.502) found.push(`time: ${row.timeMs} instead of ${endMs}`);
  if (get('id_orig_h') !== undefined) {
    check('src', formatAddress(row.addresses, 0), canonical(get('id_orig_h')));
    check('dst', formatAddress(row.addresses, 16), canonical(get('id_resp_h')));
    check('src_port', row.srcPort, Number(get('id_orig_p')));
    check('dst_port', row.dstPort, Number(get('id_resp_p')));
    check('uid', readText(row, 'session_uid'), record['uid']);
    const isIpv6 = String(get('id_orig_h')).includes(':');
    if (eventClass === 'network')
      check('proto', row.proto, isIpv6 && record['proto'] === 'icmp' ? 58 : PROTO[String(record['proto'])]);
  }
  check('sensor', readText(row, 'sensor'), record['@system'] ?? record['_node_name']);
  const numbers = {
    orig_bytes: row.bytesOut,
    resp_bytes: row.bytesIn,
    orig_pkts: row.packetsOut,
    resp_pkts: row.packetsIn,
  };
  if (eventClass === 'network') {
    for (const [name, actual] of Object.entries(numbers)) check(name, actual, Number(record[name] ?? 0));
    check('state', CONN_STATES[row.connState], record['conn_state']);
  }
  if (eventClass === 'http') check('status', row.httpStatus, Number(record['status_code'] ?? 0));
  const texts = {
    network: { service: 'service', history: 'history' },
    dns: { query: 'dns_query', qtype_name: 'dns_type', rcode_name: 'dns_rcode' },
    http: { method: 'http_method', host: 'http_host', uri: 'http_path' },
    tls: { server_name: 'tls_name' },
    generic: {},
  } as const;
  for (const [name, column] of Object.entries(texts[eventClass as keyof typeof texts])) {
    check(name, readText(row, column), record[name]);
  }
  return found;
}

describe.skipIf(!existsSync(DATA))('real Zeek logs (skipped where the data folder is missing)', () => {
  it.each(FILES)('$file: every record is read as a naive parser reads it', ({ file, format, events, skipped }) => {
    const content = readLog(file);
    expect(format.detect(content.subarray(0, 65536), { fileName: file })).toBeGreaterThanOrEqual(0.9);
    const other = format === zeekTsv ? zeekJson : zeekTsv;
    expect(other.detect(content.subarray(0, 65536), { fileName: file })).toBe(0);

    const naive = naiveRecords(file, content);
    const decoder = format.createDecoder({ fileName: file });
    const results: Record<string, number> = { event: 0, skip: 0 };
    const wrong: string[] = [];
    const row = new EventRow();
    let lineStart = 0;
    for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, lineStart)) {
      const isRecord = content[lineStart] !== 0x23;
      const record = isRecord ? naive.next().value : undefined;
      const result = decoder.decodeLine(content, lineStart, end, row, () => {
        const found = differences(row, record);
        if (found.length > 0 && wrong.length < 5)
          wrong.push(`${found.join('; ')} in ${content.toString('latin1', lineStart, end)}`);
      });
      results[result] = (results[result] ?? 0) + 1;
      lineStart = end + 1;
    }
    expect(wrong).toEqual([]);
    expect(results).toEqual({ event: events, skip: skipped });
  });
});
