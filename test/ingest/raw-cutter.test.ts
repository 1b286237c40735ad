import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RawCutter, type HeaderKind, type RawCut } from '../../ingest/raw-cutter.ts';
import { RecordSplitter } from '../../ingest/sources/record-splitter.ts';

const EMPTY = { header: '', isHeaderOpen: false };

function cut(
  pieces: readonly Uint8Array[],
  options: { batchBytes?: number; maxBytes?: number; headerKind?: HeaderKind } = {},
): RawCut[] {
  const cuts: RawCut[] = [];
  const cutter = new RawCutter(
    { batchBytes: 64, maxBytes: 1 << 20, headerKind: 'none', ...options, onCut: (each) => cuts.push(each) },
    EMPTY,
  );
  let position = 0;
  for (const piece of pieces) {
    cutter.push(piece, position);
    position += piece.length;
  }
  cutter.finish({ position });
  return cuts;
}

/** Records of a stream as whoever reads it whole sees them: text and position. */
function recordsOf(bytes: Uint8Array, base = 0, layout?: 'lines' | 'array'): [string, number][] {
  const records: [string, number][] = [];
  const splitter = new RecordSplitter(
    {
      record: (from, start, end, position) =>
        records.push([Buffer.from(from.subarray(start, end)).toString('latin1'), position]),
      rejected: (reason, position) => records.push([reason, position]),
    },
    layout === undefined ? {} : { layout },
  );
  splitter.push(bytes, base);
  splitter.finish();
  return records.filter(([text]) => text !== '');
}

describe('messages cut from a stream', () => {
  it('hold whole records, each at its own position, whatever pieces the stream came in', () => {
    const line = fc.stringMatching(/^[a-z#,]{0,40}$/);
    const ends = fc.constantFrom('\n', '\r\n');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, ends)),
        fc.array(fc.nat(30)),
        fc.integer({ min: 8, max: 200 }),
        (lines, sizes, batchBytes) => {
          const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''));
          const pieces: Uint8Array[] = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          pieces.push(bytes.subarray(Math.min(at, bytes.length)));
          const cuts = cut(
            pieces.map((piece) => piece.slice()),
            { batchBytes },
          );
          const read = cuts.flatMap((each) => recordsOf(each.bytes, each.position, each.layout));
          expect(read).toEqual(recordsOf(bytes));
        },
      ),
    );
  });

  it('hold whole elements of a JSON array, pretty printed or not', () => {
    const elements = Array.from({ length: 20 }, (_, i) => ({ n: i, text: `a\\"]},{${i}`, list: [i, [i]] }));
    for (const indent of [0, 2]) {
      const bytes = Buffer.from(JSON.stringify(elements, undefined, indent));
      const cuts = cut([bytes.subarray(0, 100), bytes.subarray(100)], { batchBytes: 150 });
      expect(cuts.length).toBeGreaterThan(4);
      const read = cuts.flatMap((each) => recordsOf(each.bytes, each.position, each.layout));
      expect(read).toEqual(recordsOf(bytes));
      expect(read.map(([text]) => JSON.parse(text) as unknown)).toEqual(elements);
    }
  });

  it('carry the header that their records are read with, and a new one from where it stands', () => {
    const text = '#separator \\x09\n#fields\ta\n1\n2\n#close\n3\n#fields\tb\n4\n5\n';
    const cuts = cut([Buffer.from(text)], { batchBytes: 8, headerKind: 'hash-lines' });
    const byRecord = new Map(
      cuts.flatMap((each) => recordsOf(each.bytes).map(([record]) => [record, each.header] as const)),
    );
    expect(byRecord.get('#separator \\x09')).toBe('');
    expect(byRecord.get('2')).toBe('#separator \\x09\n#fields\ta');
    expect(byRecord.get('3')).toBe('#separator \\x09\n#fields\ta');
    expect(byRecord.get('5')).toBe('#fields\tb');
    const csv = cut([Buffer.from('time,value\n1,2\n3,4\n5,6\n')], { batchBytes: 10, headerKind: 'first-line' });
    expect(csv.map(({ header }) => header)).toEqual(['', 'time,value', 'time,value']);
  });

  it('go on in mid-stream from what was saved', () => {
    const text = Buffer.from('#separator \\x09\n#path\tconn\n#fields\ta\n1\n2\n3\n');
    for (const split of [16, 27, 38, 42]) {
      const cuts: RawCut[] = [];
      const options = {
        batchBytes: 6,
        maxBytes: 99,
        headerKind: 'hash-lines' as const,
        onCut: (each: RawCut) => cuts.push(each),
      };
      const first = new RawCutter(options, EMPTY);
      first.push(text.subarray(0, split), 0);
      first.flush();
      const second = new RawCutter(options, first.save());
      second.push(text.subarray(first.resumePosition), first.resumePosition);
      second.finish({ position: text.length });
      expect(cuts.flatMap((each) => recordsOf(each.bytes, each.position))).toEqual(recordsOf(text));
      expect(cuts.at(-1)!.header).toBe('#separator \\x09\n#path\tconn\n#fields\ta');
    }
  });

  it('tell of a record that is too long for a message, and of a stream that breaks off', () => {
    const cuts = cut([Buffer.from(`a\n${'x'.repeat(5000)}\nb\n`)], { maxBytes: 1000 });
    expect(cuts.map(({ position, problem, bytes }) => [position, problem, bytes.length])).toEqual([
      [0, undefined, 1],
      [2, 'too_long', 1024],
      [5003, undefined, 1],
    ]);
    const cutter = new RawCutter({
      batchBytes: 64,
      maxBytes: 64,
      headerKind: 'none',
      onCut: (each) => cuts.push(each),
    });
    cutter.push(Buffer.from('a\n'), 0);
    cutter.finish({ position: 2, problem: 'truncated_input' });
    expect(cuts.at(-1)).toMatchObject({ position: 2, problem: 'truncated_input' });
  });
});
