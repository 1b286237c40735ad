import { describe, expect, it } from 'vitest';
import { FieldTable } from '../../../ingest/decoders/field-table.ts';
import { JsonFieldScanner } from '../../../ingest/decoders/scan-json.ts';

const KEYS = new Map([
  ['a', 0],
  ['longer_key', 1],
  ['alias', 1],
]);

function scan(scanner: JsonFieldScanner, text: string): string[] | false {
  const table = new FieldTable(2);
  const bytes = Buffer.from(text);
  if (!scanner.scan(bytes, 0, bytes.length, table)) return false;
  return [0, 1].map((slot) =>
    table.kinds[slot] === 0 ? '' : Buffer.from(table.bytes.subarray(table.starts[slot], table.ends[slot])).toString(),
  );
}

describe('the scanner of known JSON fields', () => {
  it.each([
    ['{"a":1}', ['1', '']],
    ['{"longer_key":"x y","a":-1.5e+3}', ['-1.5e+3', 'x y']],
    [' { "other" : "\\u00e9\\n" , "a" : "" , "alias" : true } ', ['', 'true']],
    ['{"other":["x",1,null,[]],"a":1}', false],
    ['{"other":["x\\"",-0.1e1, null , []],"a":1}', false],
    ['{"other":["x\\"",-0.1e1, null ],"a":null,"longer_key":[]}', ['', '[]']],
    ['{"a":"é"}', ['é', '']],
    ['{"a":"x\\n"}', false],
    ['{"a":{}}', false],
    ['{"a":1,"a":2}', false],
    ['{"longer_key":1,"alias":2}', false],
    ['{"new":1,"new":2}', false],
    ['{"\\u0061":1}', false],
    ['{}', false],
  ])('reads %s, or leaves it to the parser', (text, fields) => {
    const scanner = new JsonFieldScanner(KEYS);
    expect(scan(scanner, text)).toEqual(fields);
    // The second time the order of keys is known.
    expect(scan(scanner, text)).toEqual(fields);
  });

  it('reads on when the order of keys changes', () => {
    const scanner = new JsonFieldScanner(KEYS);
    expect(scan(scanner, '{"a":1,"longer_key":2,"x":3}')).toEqual(['1', '2']);
    expect(scan(scanner, '{"x":3,"longer_key":2,"a":1}')).toEqual(['1', '2']);
    expect(scan(scanner, '{"a":1,"longer_keys":3,"x":3}')).toEqual(['1', '']);
  });

  it.each(['k', 'key', 'thirteen_byte', 'fourteen_bytes', 'more_than_sixteen_bytes', 'x'.repeat(125)])(
    'tells the key %s from others of its length, whichever byte differs',
    (key) => {
      const scanner = new JsonFieldScanner(new Map([[key, 0], ['other', 1]])); // prettier-ignore
      for (let at = 0; at < key.length; at++) {
        const similar = `${key.slice(0, at)}~${key.slice(at + 1)}`;
        expect(scan(scanner, `{"${key}":1,"other":2}`)).toEqual(['1', '2']);
        expect(scan(scanner, `{"${similar}":1,"other":2}`)).toEqual(['', '2']);
        expect(scan(scanner, `{"${key}x":1,"other":2}`)).toEqual(['', '2']);
        expect(scan(scanner, `{"${key}":3,"other":4}`)).toEqual(['3', '4']);
        expect(scan(scanner, `{"${key}":3,"${key}":4}`)).toBe(false);
      }
    },
  );

  it('leaves records to the parser once it has seen too many keys, but not those with known keys', () => {
    const scanner = new JsonFieldScanner(KEYS);
    for (let index = 0; index < 2000; index++) scan(scanner, `{"key${index}":1}`);
    expect(scan(scanner, '{"one_more":1}')).toBe(false);
    expect(scan(scanner, '{"a":1,"longer_key":2}')).toEqual(['1', '2']);
  });
});
