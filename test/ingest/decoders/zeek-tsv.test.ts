import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decoder } from '../../../ingest/decoder.ts';
import { zeekJson } from '../../../ingest/decoders/zeek-json.ts';
import { zeekTsv } from '../../../ingest/decoders/zeek-tsv.ts';
import { decodeLine } from './read-rows.ts';

const FIELDS = [
  'ts', 'uid', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p', 'proto', 'service', 'duration', 'orig_bytes',
  'resp_bytes', 'conn_state', 'missed_bytes', 'history', 'orig_pkts', 'resp_pkts', 'tunnel_parents', 'label',
]; // prettier-ignore
const VALUES: Readonly<Record<string, string>> = {
  ts: '1700000000.123456', uid: 'CAAAA1', 'id.orig_h': '10.1.2.3', 'id.orig_p': '50123', 'id.resp_h': '192.0.2.7',
  'id.resp_p': '443', proto: 'tcp', service: 'ssl', duration: '2.500000', orig_bytes: '1200', resp_bytes: '34000',
  conn_state: 'SF', missed_bytes: '0', history: 'ShADadFf', orig_pkts: '12', resp_pkts: '30', tunnel_parents: '(empty)',
  label: 'x',
}; // prettier-ignore

function line(fields: readonly string[], changes: Readonly<Record<string, string>> = {}, separator = '\t'): string {
  return fields.map((field) => changes[field] ?? VALUES[field] ?? '-').join(separator);
}

function after(header: readonly string[], fileName?: string): Decoder {
  const decoder = zeekTsv.createDecoder(fileName === undefined ? {} : { fileName });
  for (const text of header) expect(decodeLine(decoder, text)).toBe('skip');
  return decoder;
}

const HEADER = ['#separator \\x09', '#set_separator\t,', '#empty_field\t(empty)', '#unset_field\t-', '#path\tconn',
  '#open\t2026-01-01-00-00-00', `#fields\t${FIELDS.join('\t')}`, '#types\ttime\tstring']; // prettier-ignore

describe('zeek-tsv', () => {
  it('reads a conn line as a flow whose time is its end', () => {
    expect(decodeLine(after(HEADER), line(FIELDS))).toEqual({
      class: 'network',
      log: 'conn',
      startMs: 1700000000123,
      timeMs: 1700000002623,
      src: '10.1.2.3',
      dst: '192.0.2.7',
      ports: '50123 443',
      proto: 6,
      state: 'SF',
      bytes: '1200 34000',
      packets: '12 30',
      status: 0,
      session_uid: 'CAAAA1',
      service: 'ssl',
      history: 'ShADadFf',
    });
  });

  it('finds columns by name, in any order', () => {
    const expected = decodeLine(after(HEADER), line(FIELDS));
    fc.assert(
      fc.property(fc.shuffledSubarray(FIELDS, { minLength: FIELDS.length }), (fields) => {
        expect(decodeLine(after([...HEADER.slice(0, 5), `#fields\t${fields.join('\t')}`]), line(fields))).toEqual(
          expected,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('takes unset values as absent, and (empty) as empty text', () => {
    const row = decodeLine(
      after(HEADER),
      line(FIELDS, { service: '-', history: '(empty)', duration: '-', orig_bytes: '-' }),
    );
    expect(row).toMatchObject({ history: '', timeMs: 1700000000123, bytes: '0 34000' });
    expect(row).not.toHaveProperty('service');
  });

  it('follows a new header in mid-file', () => {
    const decoder = after(HEADER);
    expect(decodeLine(decoder, '#close\t2026-01-01-01-00-00')).toBe('skip');
    expect(decodeLine(decoder, line(FIELDS))).toMatchObject({ class: 'network' });
    const fields = ['_node_name', 'ts', 'id.orig_h', 'id.resp_h', 'query'];
    for (const text of ['#separator \\x09', '#path\tdns', `#fields\t${fields.join('\t')}`]) decodeLine(decoder, text);
    const dns = decodeLine(decoder, line(fields, { query: 'a.example', _node_name: 'w1' }));
    expect(dns).toMatchObject({ class: 'dns', log: 'dns', dns_query: 'a.example', sensor: 'w1', ports: '0 0' });
    expect(dns).not.toHaveProperty('session_uid');
  });

  it('reads other separators and other words for unset and empty', () => {
    const header = [
      '#separator ;',
      '#empty_field;EMPTY',
      '#unset_field;NONE',
      '#path;conn',
      `#fields;${FIELDS.join(';')}`,
    ];
    const text = line(FIELDS, { service: 'NONE', history: 'EMPTY', label: '-' }, ';');
    expect(decodeLine(after(header), text)).toMatchObject({ class: 'network', history: '', session_uid: 'CAAAA1' });
    expect(decodeLine(zeekTsv.createDecoder({}), '#separator \\x09\\x09')).toBe('unknown_format');
  });

  it('undoes escapes in text, unless the result is not UTF-8', () => {
    const fields = ['ts', 'id.orig_h', 'id.resp_h', 'method', 'host', 'uri'];
    const decoder = after(['#path\thttp', `#fields\t${fields.join('\t')}`]);
    const row = decodeLine(
      decoder,
      line(fields, { method: '\\x2d', host: 'a\\xffb', uri: '/a\\x09b\\\\c\\xc3\\xa9\\q' }),
    );
    expect(row).toMatchObject({
      http_method: '-',
      http_host: 'a\\xffb',
      http_path: Buffer.from('/a\tb\\cé\\q').toString('latin1'),
    });
  });

  it('goes on after a restart in mid-file', () => {
    const saved = after(HEADER).saveState();
    const decoder = zeekTsv.createDecoder({});
    decoder.restoreState(saved);
    expect(decodeLine(decoder, line(FIELDS))).toEqual(decodeLine(after(HEADER), line(FIELDS)));
    expect(decoder.saveState()).toBe(saved);
    expect(() => decoder.restoreState('{"fields":7}')).toThrow(/Zeek header/);
  });

  it('takes the log from the file name or the fields where no #path is given', () => {
    const header = `#fields\t${FIELDS.join('\t')}`;
    expect(decodeLine(after([header]), line(FIELDS))).toMatchObject({ class: 'network', log: 'conn' });
    const fields = ['ts', 'id.orig_h', 'id.resp_h'];
    expect(decodeLine(after([`#fields\t${fields.join('\t')}`], 'ssl.log.gz'), line(fields))).toMatchObject({
      class: 'tls',
    });
  });

  it.each([
    ['wrong_columns', `${line(FIELDS)}\tx`],
    ['wrong_columns', line(FIELDS.slice(1))],
    ['missing_time', line(FIELDS, { ts: '-' })],
    ['bad_time', line(FIELDS, { ts: 'yesterday' })],
    ['bad_time', line(FIELDS, { ts: '0.000000' })],
    ['bad_time', line(FIELDS, { duration: '-1.0' })],
    ['bad_time', line(FIELDS, { duration: '1e400' })],
    ['bad_number', line(FIELDS, { orig_bytes: '0x10' })],
    ['bad_number', line(FIELDS, { orig_bytes: '' })],
    ['bad_number', line(FIELDS, { orig_bytes: '99999999999999999999' })],
    ['bad_number', line(FIELDS, { 'id.orig_p': '70000' })],
    ['bad_address', line(FIELDS, { 'id.orig_h': '1.2.3' })],
    ['missing_field', line(FIELDS, { 'id.orig_h': '-' })],
    ['missing_field', line(FIELDS, { proto: '-' })],
    ['too_long', 'x'.repeat((1 << 20) + 1)],
    ['skip', ''],
    ['skip', '\r'],
  ])('gives %s (case %#)', (reason, text) => {
    expect(decodeLine(after(HEADER), text)).toBe(reason);
  });

  it('refuses lines without a header, bytes that are not UTF-8, and headers that cannot be right', () => {
    expect(decodeLine(zeekTsv.createDecoder({ fileName: 'conn.log' }), line(FIELDS))).toBe('no_header');
    expect(decodeLine(after(HEADER), Buffer.from(line(FIELDS, { uid: '\u00ff' }), 'latin1'))).toBe('not_utf8');
    expect(decodeLine(after(HEADER), '#fields\tts\tuid\tts')).toBe('duplicate_key');
    expect(decodeLine(after(HEADER), `#fields\t${FIELDS.map((_, i) => i).join('\t')}${'\t-'.repeat(600)}`)).toBe(
      'too_many_fields',
    );
  });

  it('gives what the JSON decoder gives for the same record', () => {
    const value = fc.record({
      ts: fc.nat(4e8).map((micros) => (1.7e9 + micros / 1e6).toFixed(6)),
      duration: fc.nat(4e8).map((micros) => (micros / 1e6).toFixed(6)),
      orig_bytes: fc.maxSafeNat().map(String),
      'id.orig_p': fc.nat(66_000).map(String),
      'id.orig_h': fc.oneof(fc.ipV4(), fc.ipV6()),
      history: fc.stringMatching(/^[A-Za-z^]{1,12}$/),
    });
    const numbers = new Set([
      'ts',
      'duration',
      'id.orig_p',
      'id.resp_p',
      'orig_bytes',
      'resp_bytes',
      'orig_pkts',
      'resp_pkts',
    ]);
    const tsv = after(HEADER);
    const json = zeekJson.createDecoder({ fileName: 'conn.log' });
    fc.assert(
      fc.property(value, (changes) => {
        const members = FIELDS.map((field) => {
          const text = (changes as Record<string, string>)[field] ?? VALUES[field]!;
          return `"${field}":${numbers.has(field) ? text : JSON.stringify(text)}`;
        });
        expect(decodeLine(tsv, line(FIELDS, changes))).toEqual(decodeLine(json, `{${members.join(',')}}`));
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    const decoder = after(HEADER);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (bytes[0] !== 0x23) expect(decodeLine(decoder, bytes)).toBeTypeOf('string');
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeLine(zeekTsv.createDecoder({}), `#${text}`)).toBeTypeOf('string');
      }),
    );
  });

  it('knows its own by content', () => {
    expect(zeekTsv.detect(Buffer.from(HEADER.join('\n')), {})).toBe(1);
    expect(zeekTsv.detect(Buffer.from('time,device,metric,value\n'), {})).toBe(0);
    expect(zeekTsv.detect(Buffer.from('{"ts":1}'), {})).toBe(0);
  });
});
