import { describe, expect, it } from 'vitest';
import { createZeekJsonDecoder, zeekJson, type ZeekJsonParser } from '../../../ingest/decoders/zeek-json.ts';
import { decodeLine } from './read-rows.ts';

const CONN = {
  ts: 1700000000.123456,
  uid: 'CAAAA1',
  'id.orig_h': '10.1.2.3',
  'id.orig_p': 50123,
  'id.resp_h': '192.0.2.7',
  'id.resp_p': 443,
  proto: 'tcp',
  service: 'ssl',
  duration: 2.5,
  orig_bytes: 1200,
  resp_bytes: 34000,
  conn_state: 'RSTOS0',
  history: 'ShADadFf',
  orig_pkts: 12,
  resp_pkts: 30,
};
const IDS = { 'id.orig_h': '10.1.2.3', 'id.orig_p': 5, 'id.resp_h': '192.0.2.7', 'id.resp_p': 6 };

function conn(changes: object): string {
  return JSON.stringify({ ...CONN, ...changes });
}

describe.each<ZeekJsonParser>(['scan', 'general'])('zeek-json by %s', (parser) => {
  const read = (line: string | Uint8Array, fileName?: string) =>
    decodeLine(createZeekJsonDecoder(fileName === undefined ? {} : { fileName }, parser), line);

  it('reads a conn record as a flow whose time is its end', () => {
    expect(read(conn({ _path: 'conn' }))).toEqual({
      class: 'network',
      log: 'conn',
      startMs: 1700000000123,
      timeMs: 1700000002623,
      src: '10.1.2.3',
      dst: '192.0.2.7',
      ports: '50123 443',
      proto: 6,
      state: 'RSTOS0',
      bytes: '1200 34000',
      packets: '12 30',
      status: 0,
      session_uid: 'CAAAA1',
      service: 'ssl',
      history: 'ShADadFf',
    });
  });

  it('gives the same row without the name, by file name or by fields, and with ids in any form', () => {
    const expected = read(conn({ _path: 'conn' }));
    const { 'id.orig_h': orig_h, 'id.orig_p': orig_p, 'id.resp_h': resp_h, 'id.resp_p': resp_p, ...rest } = CONN;
    expect(read(conn({}))).toEqual(expected);
    expect(read(conn({}), '/logs/conn.15:00:00-16:00:00.log.gz')).toEqual(expected);
    expect(read(conn({ '@stream': 'conn' }))).toEqual(expected);
    expect(read(JSON.stringify({ ...rest, id: { orig_h, orig_p, resp_h, resp_p } }))).toEqual(expected);
    const flat = { id_orig_h: orig_h, id_orig_p: orig_p, id_resp_h: resp_h, id_resp_p: resp_p };
    expect(read(JSON.stringify({ ...rest, ...flat }, undefined, 1).replaceAll('\n', ''))).toEqual(expected);
  });

  it('takes what a conn record leaves out as zero', () => {
    const { ts, proto } = CONN;
    expect(read(JSON.stringify({ ts, ...IDS, proto }), 'conn.log')).toMatchObject({
      class: 'network',
      timeMs: 1700000000123,
      bytes: '0 0',
      packets: '0 0',
      state: '',
    });
  });

  it('reads dns, http and ssl into classes of their own', () => {
    const base = { ts: '2026-03-01T12:00:00.250000Z', uid: 'C1', ...IDS };
    const dns = { ...base, proto: 'udp', query: 'a.example', qtype: 1, qtype_name: 'A', rcode_name: 'NXDOMAIN' };
    expect(read(JSON.stringify({ ...dns, answers: ['192.0.2.1'], TTLs: [60.0, 1e-3], rejected: false }))).toMatchObject({
      class: 'dns', log: 'dns', timeMs: Date.UTC(2026, 2, 1, 12, 0, 0, 250), proto: 17,
      dns_query: 'a.example', dns_type: 'A', dns_rcode: 'NXDOMAIN',
    }); // prettier-ignore
    const http = { ...base, method: 'GET', host: 'h.example', uri: '/a?b="c"', status_code: 404 };
    expect(read(JSON.stringify(http))).toMatchObject({
      class: 'http', log: 'http', http_method: 'GET', http_host: 'h.example', http_path: '/a?b="c"', status: 404,
    }); // prettier-ignore
    expect(read(JSON.stringify({ ...base, cipher: 'X', server_name: 's.example' }))).toMatchObject({
      class: 'tls', log: 'ssl', tls_name: 's.example',
    }); // prettier-ignore
  });

  it('reads any other log as a generic event, with addresses where it has both', () => {
    expect(read(JSON.stringify({ _path: 'weird', ts: 1700000000, ...IDS, uid: 'C2', name: 'x' }))).toMatchObject({
      class: 'generic', log: 'weird', src: '10.1.2.3', dst: '192.0.2.7', session_uid: 'C2',
    }); // prettier-ignore
    const odd = read(JSON.stringify({ _path: 'custom', ts: 1700000000, host: ['a'], proto: 7, service: {}, uid: 1 }));
    expect(odd).toMatchObject({ class: 'generic', log: 'custom', proto: 0 });
    expect(odd).not.toHaveProperty('src');
    expect(read(JSON.stringify({ '@stream': 'loaded_scripts', name: './x.zeek' }))).toBe('skip');
  });

  it('reads several logs from one stream, whatever the file is called', () => {
    const decoder = createZeekJsonDecoder({ fileName: 'conn.log' }, parser);
    expect(decodeLine(decoder, JSON.stringify({ _path: 'ssl', ts: 1700000000, ...IDS }))).toMatchObject({
      class: 'tls',
    });
    expect(decodeLine(decoder, conn({ '@stream': 'conn' }))).toMatchObject({ class: 'network' });
  });

  it('names the sensor', () => {
    expect(read(conn({ _system_name: 'north', _node_name: 'w1' }))).toMatchObject({ sensor: 'north' });
    expect(read(conn({ '@system': 'south' }))).toMatchObject({ sensor: 'south' });
  });

  it('takes icmp between IPv6 addresses as ICMPv6', () => {
    expect(read(conn({ proto: 'icmp' }))).toMatchObject({ proto: 1 });
    expect(read(conn({ proto: 'icmp', 'id.orig_h': 'fe80::1', 'id.resp_h': 'ff02::2' }))).toMatchObject({ proto: 58 });
  });

  it('keeps text with escapes and beyond ASCII', () => {
    const base = { _path: 'http', ts: 1700000000, ...IDS };
    expect(read(JSON.stringify({ ...base, uri: 'a\t"\\ü€', user_agent: 'x\\y' }))).toMatchObject({
      http_path: Buffer.from('a\t"\\ü€').toString('latin1'),
    });
    expect(
      read(`{"_path":"http","ts":1700000000,${JSON.stringify(IDS).slice(1, -1)},"u\\u0072i":"\\u0041"}`),
    ).toMatchObject({
      http_path: 'A',
    });
  });

  it.each([
    ['not_json', '{"ts":1,}'],
    ['not_json', '{"ts":01}'],
    ['not_json', '{"ts":1700000000,"uid":"a\tb"}'],
    ['not_json', '{"ts":1700000000,"uid":"\\x"}'],
    ['not_json', conn({}).slice(0, -10)],
    ['not_json', `${conn({})}x`],
    ['not_json', `${conn({})}\u0000`],
    ['not_json', `${conn({})}${conn({})}`],
    ['bad_type', '[1]'],
    ['bad_type', '17'],
    ['empty_record', '{}'],
    ['too_deep', `{"a":${'['.repeat(10_000)}`],
    ['too_many_fields', JSON.stringify(Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`k${i}`, i])))],
    ['too_long', `{"a":"${'x'.repeat(1 << 20)}"}`],
    ['duplicate_key', '{"ts":1700000000,"ts":1700000001}'],
    ['duplicate_key', '{"x":1,"y":2,"\\u0078":3}'],
    ['duplicate_key', conn({ id_orig_h: '10.1.2.3' })],
    ['duplicate_key', conn({ id: { orig_h: '10.1.2.3' } })],
    ['missing_time', conn({ ts: null })],
    ['missing_time', '{"__proto__":{"ts":1700000000},"constructor":1}'],
    ['bad_time', conn({ ts: -5 })],
    ['bad_time', conn({ ts: 31535999 })],
    ['bad_time', conn({ ts: 7258118401 })],
    ['bad_time', conn({ ts: 1700000000123 })],
    ['bad_time', conn({}).replace('1700000000.123456', '1e999')],
    ['bad_time', conn({ ts: 'NaN' })],
    ['bad_time', conn({ ts: '2026-02-30T00:00:00Z' })],
    ['bad_type', conn({ ts: true })],
    ['bad_time', conn({ duration: -0.5 })],
    ['bad_time', conn({ duration: 1e10 })],
    ['bad_time', conn({ ts: 7258118399, duration: 5 })],
    ['bad_type', conn({ duration: '2.5' })],
    ['bad_number', conn({ orig_bytes: 9007199254740992 })],
    ['bad_number', conn({ orig_bytes: -1 })],
    ['bad_number', conn({ orig_bytes: 1.5 })],
    ['bad_type', conn({ orig_bytes: '12' })],
    ['bad_type', conn({ orig_bytes: [12] })],
    ['bad_number', conn({ 'id.resp_p': 65536 })],
    ['bad_type', conn({ uid: 7 })],
    ['bad_type', conn({ service: ['ssl'] })],
    ['bad_type', conn({ _path: 7 })],
    ['bad_type', conn({ 'id.orig_h': 167772161 })],
    ['bad_address', conn({ 'id.orig_h': '10.0.0.256' })],
    ['missing_field', conn({ 'id.orig_h': null })],
    ['missing_field', conn({ proto: null })],
  ])('gives %s (case %#)', (reason, line) => {
    expect(read(line)).toBe(reason);
  });

  it('refuses bytes that are not UTF-8, wherever they stand', () => {
    expect(read(Buffer.from(conn({ uid: 'a\u00ff' }), 'latin1'))).toBe('not_utf8');
    expect(read(Buffer.from(conn({ other: 'a\u00ff' }), 'latin1'))).toBe('not_utf8');
    expect(read(Buffer.from('\u00ff', 'latin1'))).toBe('not_utf8');
  });

  it('accepts whole numbers written as floats, and numbers with an exponent', () => {
    const line = conn({}).replace('"orig_bytes":1200', '"orig_bytes":1.2e3').replace('34000', '34000.0');
    expect(read(line.replace('"duration":2.5', '"duration":25e-1'))).toMatchObject({
      bytes: '1200 34000',
      timeMs: 1700000002623,
    });
  });

  it('skips blank lines', () => {
    expect(read('')).toBe('skip');
    expect(read(' \r')).toBe('skip');
  });
});

describe('zeek-json', () => {
  it('knows its own by content', () => {
    const detect = (text: string, fileName?: string) =>
      zeekJson.detect(Buffer.from(text), fileName === undefined ? {} : { fileName });
    expect(detect(conn({}))).toBeGreaterThan(0.9);
    expect(detect(JSON.stringify({ '@stream': 'loaded_scripts', name: 'x' }))).toBeGreaterThan(0.9);
    expect(detect('{"ts":1,"mem":2}', 'stats.log')).toBeGreaterThan(0.5);
    expect(detect('{"time":1,"device":"p1","metric":"flow","value":3}')).toBe(0);
    expect(detect('#separator \\x09')).toBe(0);
  });
});
