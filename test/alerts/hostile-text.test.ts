import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sanitizeText, sqlString } from '../../alerts/hostile-text.ts';

/** Anything, with what does harm more often than chance would have it; lone surrogates as well. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom("'", '\\', '"', '`', '\n', '\r', '\t', '\0', '\x1b', '\x7f', '\x9b', '--', '/*', ';', 'x', '0'),
    fc.constantFrom('\u202e', '\u2066', '\u200f', '\u061c', '\ufeff', '\u2028', '\u{e0041}', '\ud800', '\udc00'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
});

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Reads ClickHouse's string literal as its lexer does; throws where it ends before the text does. */
function readLiteral(sql: string): string {
  const bytes: number[] = [];
  const source = Buffer.from(sql);
  const escapes: Record<string, number> = { '\\': 0x5c, "'": 0x27 };
  if (source[0] !== 0x27) throw new Error('no opening quote');
  let at = 1;
  for (; source[at] !== 0x27; at++) {
    if (at >= source.length) throw new Error('no closing quote');
    if (source[at] !== 0x5c) {
      bytes.push(source[at]!);
      continue;
    }
    const escaped = String.fromCharCode(source[++at]!);
    if (escaped === 'x') {
      const hex = source.subarray(at + 1, at + 3).toString();
      if (!/^[0-9A-F]{2}$/.test(hex)) throw new Error(`not hex: ${hex}`);
      bytes.push(parseInt(hex, 16));
      at += 2;
    } else if (escapes[escaped] === undefined) throw new Error(`unknown escape ${escaped}`);
    else bytes.push(escapes[escaped]);
  }
  if (at !== source.length - 1) throw new Error('ends early');
  return Buffer.from(bytes).toString();
}

describe('sanitizeText', () => {
  it('leaves no control, format or half character, and no second line', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 80 }), (text, maxLength) => {
        const clean = sanitizeText(text, maxLength);
        expect(clean).not.toMatch(UNSAFE);
        expect(clean.length).toBeLessThanOrEqual(maxLength);
      }),
    );
  });

  it('changes nothing about what is already clean', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(sanitizeText(sanitizeText(text))).toBe(sanitizeText(text));
      }),
    );
    for (const text of ['Grüße, 東京 7 µm', 'a  b', '−∞ … 😀', '<b>&amp;</b>']) expect(sanitizeText(text)).toBe(text);
  });

  it.each([
    ['a\x1b[31mred\x1b[0m', 'a[31mred[0m'],
    ['user\u202egnp.exe', 'usergnp.exe'],
    ['one\r\ntwo\u2028three\tfour', 'one two three four'],
    ['half \ud83d', 'half \ufffd'],
    ['\udb40\u202e\udc41', '\ufffd\ufffd'],
    ['\x9b2Jcleared', '2Jcleared'],
  ])('makes %j %j', (text, clean) => {
    expect(sanitizeText(text)).toBe(clean);
  });

  it('cuts between characters', () => {
    expect(sanitizeText('ab😀cd', 4)).toBe('ab…');
    expect(sanitizeText('abcd', 4)).toBe('abcd');
  });
});

describe('sqlString', () => {
  it('is one literal that stands for exactly the text, and is itself safe to show', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const literal = sqlString(text);
        expect(readLiteral(literal)).toBe(Buffer.from(text).toString());
        expect(literal).not.toMatch(UNSAFE);
      }),
    );
  });

  it.each([
    ["x' OR '1'='1", String.raw`'x\' OR \'1\'=\'1'`],
    ['back\\', String.raw`'back\\'`],
    ['\0\n', String.raw`'\x00\x0A'`],
    ['\u202e', String.raw`'\xE2\x80\xAE'`],
  ])('writes %j as %s', (text, literal) => {
    expect(sqlString(text)).toBe(literal);
  });
});
