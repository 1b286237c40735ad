import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createZeekJsonDecoder } from '../../../ingest/decoders/zeek-json.ts';
import { decodeLine, type Surroundings } from './read-rows.ts';

const text = fc.oneof(
  fc.constantFrom(
    'conn',
    'dns',
    'http',
    'ssl',
    'weird',
    'tcp',
    'udp',
    'icmp',
    'SF',
    'S0',
    'A',
    '',
    '-',
    'loaded_scripts',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const address = fc.oneof(fc.ipV4(), fc.ipV6(), text);
const amount = fc.oneof(fc.nat(70_000), fc.maxSafeNat(), fc.double({ noDefaultInfinity: true, noNaN: true }));
const time = fc.oneof(
  fc.double({ min: 1.6e9, max: 1.8e9, noNaN: true }),
  fc
    .date({ min: new Date('1960-01-01'), max: new Date('2250-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  amount,
);
const scalar = fc.oneof(text, amount, fc.boolean(), fc.constant(null));
const anything = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }));

const flow = fc.record(
  {
    _path: fc.constantFrom('conn', 'dns', 'http', 'ssl', 'weird'), ts: time, uid: text, 'id.orig_h': address,
    'id.orig_p': fc.nat(70_000), 'id.resp_h': address, 'id.resp_p': fc.nat(70_000), proto: text, service: text,
    duration: amount, orig_bytes: amount, resp_bytes: amount, conn_state: text, history: text, orig_pkts: amount,
    resp_pkts: amount, query: text, qtype: amount, qtype_name: text, rcode_name: text, method: text, host: text,
    uri: text, status_code: fc.nat(700), server_name: text, cipher: text, _node_name: text,
  },
  { requiredKeys: ['ts', 'id.orig_h', 'id.resp_h', 'proto'] },
); // prettier-ignore
const keys = fc.oneof(
  fc.constantFrom(
    'ts',
    'uid',
    'id.orig_h',
    'id_orig_h',
    'id',
    '@stream',
    '@system',
    'answers',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 6 }),
);
const record = fc
  .tuple(flow, fc.dictionary(keys, anything, { maxKeys: 4 }))
  .map(([known, more]) => ({ ...known, ...more }));
const json = fc
  .tuple(record, fc.constantFrom(undefined, 1))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent).replaceAll('\n', ' '));

/** Bytes changed, put in, taken out, doubled: most of it is no JSON any more, some of it almost is. */
const mutation = fc.record({
  at: fc.nat(1000),
  length: fc.nat(12),
  what: fc.constantFrom('replace', 'insert', 'delete', 'double', 'cut'),
  bytes: fc.oneof(
    fc.constantFrom(
      '"',
      '\\',
      '}',
      '{',
      ',',
      ':',
      '[',
      ']',
      '0',
      '-',
      '.',
      'e',
      ' ',
      '\n',
      '\t',
      '\0',
      '\\u00',
      '\\"',
      '"ts":1,',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  ),
  encoding: fc.constantFrom<'utf8' | 'latin1'>('utf8', 'latin1'),
});
const mutated = fc.tuple(json, fc.array(mutation, { minLength: 1, maxLength: 3 })).map(([line, mutations]) => {
  let bytes = Buffer.from(line);
  for (const { at, length, what, bytes: put, encoding } of mutations) {
    const from = at % (bytes.length + 1);
    const rest = bytes.subarray(from);
    const patch = Buffer.from(put, encoding);
    if (what === 'cut') bytes = bytes.subarray(0, from);
    if (what === 'delete') bytes = Buffer.concat([bytes.subarray(0, from), rest.subarray(length)]);
    if (what === 'insert') bytes = Buffer.concat([bytes.subarray(0, from), patch, rest]);
    if (what === 'replace') bytes = Buffer.concat([bytes.subarray(0, from), patch, rest.subarray(patch.length)]);
    if (what === 'double') bytes = Buffer.concat([bytes.subarray(0, from), rest.subarray(0, length), rest]);
  }
  return bytes;
});

const surroundings = fc.constantFrom<Surroundings>('alone', 'between lines', 'cut out');

describe('the two parsers of zeek-json', () => {
  // One decoder for all records, so that keys learnt from one are guessed in the next.
  const scan = createZeekJsonDecoder({}, 'scan');
  const general = createZeekJsonDecoder({}, 'general');

  it('give the same row, or the same reason, for valid records', () => {
    fc.assert(
      fc.property(json, surroundings, (line, where) => {
        expect(decodeLine(scan, line, where)).toEqual(decodeLine(general, line, where));
      }),
      { numRuns: 4000 },
    );
  });

  it('give the same row, or the same reason, for damaged records', () => {
    fc.assert(
      fc.property(mutated, surroundings, (line, where) => {
        expect(decodeLine(scan, line, where)).toEqual(decodeLine(general, line, where));
      }),
      { numRuns: 8000 },
    );
  });

  it('give the same for every cut and every changed byte of one record', () => {
    const line = Buffer.from('{"ts":1700000000.25,"uid":"Cé","id.orig_h":"10.0.0.1","id.orig_p":7, "id.resp_h":"::1",' +
      '"id.resp_p":0,"proto":"tcp","duration":1e-2,"answers":["a",-1,true],"conn_state":"SF","x":"\\n"}'); // prettier-ignore
    for (let at = 0; at < line.length; at++) {
      const cut = line.subarray(0, at);
      expect(decodeLine(scan, cut)).toEqual(decodeLine(general, cut));
      for (const byte of [0x22, 0x5c, 0x2c, 0x7d, 0x30, 0x20, 0x00, 0x65, 0x2e, 0xc3]) {
        const changed = Buffer.from(line);
        changed[at] = byte;
        expect(decodeLine(scan, changed)).toEqual(decodeLine(general, changed));
      }
    }
  });
});
