import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArraySplitter } from '../../../ingest/sources/array-splitter.ts';
import { LineSplitter } from '../../../ingest/sources/line-splitter.ts';
import type { Splitter } from '../../../ingest/sources/record-sink.ts';
import { RecordSplitter } from '../../../ingest/sources/record-splitter.ts';
import { collectRecords } from './collect-records.ts';

/** Pushes a stream in pieces of a size, each in a buffer that is overwritten afterwards. */
function pushInPieces(splitter: Splitter, bytes: Uint8Array, pieceBytes: number): void {
  const piece = new Uint8Array(pieceBytes);
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    const part = bytes.subarray(start, start + pieceBytes);
    piece.set(part);
    splitter.push(piece.subarray(0, part.length), start);
    piece.fill(0x7e);
  }
  splitter.finish();
}

const pieceSize = fc.integer({ min: 1, max: 20 });

describe('LineSplitter', () => {
  it('gives every line with its position, wherever the chunks are cut', () => {
    const line = fc.string({ unit: 'grapheme-composite', maxLength: 12 }).filter((text) => !/[\r\n\ufeff]/.test(text));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n'))),
        line,
        pieceSize,
        (lines, last, pieceBytes) => {
          const expected: [number, string][] = [];
          let text = '';
          for (const [content, end] of lines) {
            expected.push([Buffer.byteLength(text), content]);
            text += content + end;
          }
          if (last !== '') expected.push([Buffer.byteLength(text), last]);
          const sink = collectRecords();
          pushInPieces(new LineSplitter(sink), Buffer.from(text + last), pieceBytes);
          expect(sink.records).toEqual(expected);
          expect(sink.rejects).toEqual([]);
        },
      ),
    );
  });

  it('reports a line over the limit once, drops the rest of it, and goes on', () => {
    fc.assert(
      fc.property(
        fc.nat(30),
        fc.nat(30),
        pieceSize,
        fc.constantFrom('\n', '\r\n'),
        (first, second, pieceBytes, end) => {
          const lines = ['a'.repeat(first), 'b'.repeat(second)];
          const sink = collectRecords();
          pushInPieces(new LineSplitter(sink, { maxRecordBytes: 10 }), Buffer.from(lines.join(end) + end), pieceBytes);
          expect(sink.records.map(([, text]) => text)).toEqual(lines.filter((text) => text.length <= 10));
          expect(sink.rejects.map(([, reason]) => reason)).toEqual(
            lines.filter((text) => text.length > 10).map(() => 'too_long'),
          );
          for (const [, , head] of sink.rejects) expect(head).toMatch(/^(?:a{11,}|b{11,})\r?$/);
        },
      ),
    );
  });

  it('tells where to go on: at the start of the line that is open, also while it is dropped', () => {
    const splitter = new LineSplitter(collectRecords(), { maxRecordBytes: 4 });
    splitter.push(Buffer.from('one\ntw'), 100);
    expect(splitter.resumePosition).toBe(104);
    splitter.push(Buffer.from('o and more'), 106);
    expect(splitter.resumePosition).toBe(104);
    splitter.push(Buffer.from('\n'), 116);
    expect(splitter.resumePosition).toBe(117);
    splitter.push(Buffer.from('end'), 117);
    splitter.finish();
    expect(splitter.resumePosition).toBe(120);
  });

  it('leaves out a byte order mark at the start of each stream only', () => {
    const sink = collectRecords();
    const splitter = new LineSplitter(sink);
    splitter.push(Buffer.from('\ufeffa\n\ufeffb'), 0);
    splitter.finish();
    splitter.push(Buffer.from('\ufeffc\n'), 50);
    expect(sink.records).toEqual([[3, 'a'], [5, '\ufeffb'], [53, 'c']]); // prettier-ignore
  });
});

describe('ArraySplitter', () => {
  it('gives the elements of an array, pretty printed or not, wherever the chunks are cut', () => {
    const element = fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(element), fc.nat(3), pieceSize, (elements, indent, pieceBytes) => {
        const sink = collectRecords();
        const text = JSON.stringify(elements, undefined, indent);
        pushInPieces(new ArraySplitter(sink), Buffer.from(text), pieceBytes);
        expect(sink.records.map(([, json]) => JSON.parse(json) as unknown)).toEqual(JSON.parse(text));
        for (const [position, json] of sink.records) {
          expect(Buffer.from(text).subarray(position).toString().startsWith(json)).toBe(true);
        }
      }),
    );
  });

  it('reads arrays and objects one after another, without separators too', () => {
    const sink = collectRecords();
    pushInPieces(new ArraySplitter(sink), Buffer.from('[{"a":1},{"b":"]}"}]\n[{"c":[2]}] {"d":3}{"e":4}'), 7);
    expect(sink.records.map(([, json]) => json)).toEqual(['{"a":1}', '{"b":"]}"}', '{"c":[2]}', '{"d":3}', '{"e":4}']);
  });

  it('reports an element over the limit once, and goes on behind it', () => {
    const sink = collectRecords();
    const text = `[{"a":"${'x'.repeat(500)}","b":[{}]},{"c":1}]`;
    pushInPieces(new ArraySplitter(sink, { maxRecordBytes: 100 }), Buffer.from(text), 16);
    expect(sink.rejects).toEqual([[1, 'too_long', text.slice(1, 1 + sink.rejects[0]![2].length)]]);
    expect(sink.records.map(([, json]) => json)).toEqual(['{"c":1}']);
  });

  it('says that the input broke off inside an element, and survives any bytes', () => {
    const sink = collectRecords();
    pushInPieces(new ArraySplitter(sink), Buffer.from('[{"a":1},{"b":"'), 4);
    expect(sink.rejects).toEqual([[9, 'truncated_input', '{"b":"']]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), pieceSize, (bytes, pieceBytes) => {
        pushInPieces(new ArraySplitter(collectRecords(), { maxRecordBytes: 50 }), bytes, pieceBytes);
      }),
    );
  });
});

describe('RecordSplitter', () => {
  it.each([
    ['lines', '{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']],
    ['array', ' [\n  {"a":1},\n  {"b":2}\n]\n', ['{"a":1}', '{"b":2}']],
    ['lines that begin with a bracket', '[12:00] on\n[12:01] off\n', ['[12:00] on', '[12:01] off']],
    ['an empty array', '[ ]', []],
  ])('tells %s by the first bytes', (_, text, expected) => {
    for (let pieceBytes = 1; pieceBytes <= text.length; pieceBytes++) {
      const sink = collectRecords();
      pushInPieces(new RecordSplitter(sink), Buffer.from(text), pieceBytes);
      expect(sink.records.map(([, record]) => record)).toEqual(expected);
    }
  });

  it('decides for each stream anew, or as it is told in mid-stream', () => {
    const sink = collectRecords();
    const splitter = new RecordSplitter(sink);
    pushInPieces(splitter, Buffer.from('[{"a":1}]'), 3);
    pushInPieces(splitter, Buffer.from('b\nc'), 3);
    expect(sink.records.map(([, record]) => record)).toEqual(['{"a":1}', 'b', 'c']);
    const resumed = collectRecords();
    pushInPieces(new RecordSplitter(resumed, { layout: 'array' }), Buffer.from('{"b":2},\n{"c":3}]'), 5);
    expect(resumed.records.map(([, record]) => record)).toEqual(['{"b":2}', '{"c":3}']);
  });
});
