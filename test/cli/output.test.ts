import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine, parseCsv } from '../../cli/csv.ts';
import { Output } from '../../cli/output.ts';
import { readServerEvents } from '../../cli/server-events.ts';
import { formatTable, textWidth } from '../../cli/table.ts';

describe('CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1+1', "'+1+1"],
    ['-x', "'-x"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    [' =1', "' =1"],
    ['-5.2', '-5.2'],
    ['+1e9', '+1e9'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    [-5, '-5'],
    [undefined, ''],
    [true, 'true'],
  ])('writes %j as %s', (value, cell) => {
    expect(csvLine([value])).toBe(`${cell}\r\n`);
  });

  it('reads what it wrote, apostrophes aside', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), { maxLength: 5 }), (rows) => {
        const texts = rows.filter((row) => row.some((cell) => cell !== ''));
        const read = parseCsv(texts.map(csvLine).join('')).map((row) => row.map(({ text }) => text));
        expect(read.map((row) => row.map((cell) => cell.replace(/^'/, '')))).toEqual(
          texts.map((row) => row.map((cell) => cell.replace(/^'/, ''))),
        );
      }),
    );
  });

  it('reads empty cells, and either kind of line end', () => {
    const texts = (source: string) => parseCsv(source).map((row) => row.map(({ text }) => text));
    expect(texts('a,,b\r\n,\n"",x')).toEqual([['a', '', 'b'], ['', ''], ['', 'x']]); // prettier-ignore
    expect(texts('a,')).toEqual([['a', '']]);
    expect(texts('"open')).toEqual([['open']]);
    expect(texts('')).toEqual([]);
  });
});

describe('a table', () => {
  it('fits any width that its columns can be cut to, on one line a row', () => {
    const cell = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell)), fc.integer({ min: 28, max: 100 }), (rows, width) => {
        const columns = [{ title: 'A' }, { title: 'B', shrink: true }, { title: 'C', align: 'right' as const }];
        const lines = formatTable(columns, rows, width).split('\n');
        expect(lines).toHaveLength(rows.length + 2);
        for (const line of lines) {
          expect(textWidth(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e]/u);
        }
      }),
    );
  });

  it('cuts what may shrink first, and counts wide characters as two', () => {
    const columns = [{ title: 'UID' }, { title: 'TEXT', shrink: true }];
    expect(formatTable(columns, [['0123456789', '東京タワー展望台']], 24)).toBe(
      'UID         TEXT\n0123456789  東京タワー…\n',
    );
  });
});

describe('output', () => {
  it('is silent when its reader goes away', async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const output = new Output(stream, {});
    await output.text('a');
    await output.text('b');
    expect(output.isGone).toBe(true);
  });

  it('escapes in JSON what a terminal obeys, and stays the same JSON', () => {
    const value = { text: 'a\u001b\u007f\u009b\u202e\u2028\u{e0041}é' };
    let written = '';
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written += chunk.toString();
        done();
      },
    });
    return new Output(stream, {}).ndjson(value).then(() => {
      expect(written).not.toMatch(/[\u007f-\u009f\p{Cf}]/u);
      expect(JSON.parse(written)).toEqual(value);
    });
  });
});

describe('server-sent events', () => {
  it('are read however they are cut', async () => {
    const bytes = Buffer.from(': hi\nretry: 5\n\nid: 1\nevent: alert\ndata: {"a":\ndata: "é"}\n\ndata:x\r\n\r\n');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (size) => {
        const events = [];
        const chunks = (async function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        })();
        for await (const event of readServerEvents(chunks)) events.push(event);
        expect(events).toEqual([
          { event: 'alert', data: '{"a":\n"é"}' },
          { event: 'message', data: 'x' },
        ]);
      }),
    );
  });
});
