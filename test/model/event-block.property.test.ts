import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBlockBuilder, type RowContext } from '../../ingest/block-builder.ts';
import { EventRow, TEXT, TEXT_COLUMNS, type TextColumn } from '../../ingest/event-row.ts';
import { dropSeenRows } from '../../model/block-filter.ts';
import { VedetteError } from '../../model/errors.ts';
import { ControlKind, EventBlock } from '../../model/event-block.ts';
import { COLUMN_INDEX, EVENT_COLUMNS, EventClass } from '../../model/event-columns.ts';
import { at64 } from '../../model/words.ts';

/** A row as it was given, by column name; what is left out was not set. */
type Given = Record<string, number | string>;

interface TestRow {
  readonly eventClass: number;
  readonly timeMs: number;
  readonly late: boolean;
  readonly source: string;
  readonly count: number;
  readonly port: number;
  readonly texts: readonly (readonly [TextColumn, string])[];
  readonly raw: string;
}

const rowArbitrary: fc.Arbitrary<TestRow> = fc.record({
  eventClass: fc.constantFrom(...Object.values(EventClass)),
  timeMs: fc.integer({ min: -1e11, max: 4e12 }),
  late: fc.boolean(),
  source: fc.constantFrom('a#1', 'b#2', 'ü#3'),
  count: fc.maxSafeNat(),
  port: fc.nat(65_535),
  texts: fc.array(fc.tuple(fc.constantFrom(...TEXT_COLUMNS), fc.string({ unit: 'binary', maxLength: 40 })), {
    maxLength: 6,
  }),
  raw: fc.string({ unit: 'binary', maxLength: 300 }),
});

const ADDRESSES = Uint8Array.from({ length: 32 }, (_, i) => i + 1);

function contextOf(source: string): RowContext {
  return {
    source,
    sourceBytes: Buffer.from(source),
    position: 0,
    receivedMs: 1_700_000_000_000,
    late: false,
    direction: 2,
    siteBytes: new Uint8Array(0),
    srcGroup: new Uint8Array(0),
    dstGroup: Buffer.from('servers'),
    raw: new Uint8Array(0),
    rawStart: 0,
    rawEnd: 0,
  };
}

/** Fills the row as a decoder does, and tells what a block must hold of it. */
function append(builder: EventBlockBuilder, given: TestRow, position: number): Given {
  const row = new EventRow();
  const context = contextOf(given.source);
  row.eventClass = given.eventClass;
  row.timeMs = given.timeMs;
  row.startMs = given.timeMs - 5;
  const expected: Given = {
    class: given.eventClass,
    time: given.timeMs,
    start_time: given.timeMs - 5,
    received_time: context.receivedMs,
    late: given.late ? 1 : 0,
    _src: given.source,
    _pos: position,
    raw: given.raw,
  };
  if (given.eventClass !== EventClass.reading) {
    row.hasAddresses = true;
    row.addresses.set(ADDRESSES);
    row.srcPort = given.port;
    row.proto = 6;
    Object.assign(expected, { src_port: given.port, proto: 6, direction: 2, dst_group: 'servers' });
    expected['src_ip'] = Buffer.from(ADDRESSES.subarray(0, 16)).toString('hex');
    expected['dst_ip'] = Buffer.from(ADDRESSES.subarray(16)).toString('hex');
  } else {
    row.value = given.count / 7;
    expected['value'] = given.count / 7;
  }
  if (given.eventClass === EventClass.network) {
    row.bytesOut = given.count;
    row.packetsIn = given.count % 1000;
    Object.assign(expected, { bytes_out: given.count, packets_in: given.count % 1000 });
  }
  const texts = new Map(given.texts);
  const parts = [...texts].map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  row.text = Buffer.concat(parts.map(({ bytes }) => bytes));
  let at = 0;
  for (const { name, bytes } of parts) {
    row.setText(TEXT[name], at, (at += bytes.length));
    expected[name] = bytes.toString('utf8');
  }
  const raw = Buffer.from(`..${given.raw}..`);
  Object.assign(context, { position, late: given.late, raw, rawStart: 2, rawEnd: raw.length - 2 });
  expected['raw'] = raw.toString('utf8', 2, raw.length - 2);
  builder.append(row, context);
  return expected;
}

/** Every row of a block by column name, zeros and empty texts where a column is not in the block. */
function readRows(block: EventBlock): Given[] {
  const rows = Array.from({ length: block.rows }, (): Given => ({}));
  EVENT_COLUMNS.forEach(({ name, kind }, column) => {
    const native = Buffer.from(block.native.buffer, block.native.byteOffset, block.native.byteLength);
    const read: Record<typeof kind, (row: number) => number | string> = {
      u8: (row) => block.u8(column)![row]!,
      u16: (row) => block.u16(column)![row]!,
      u64: (row) => at64(block.words(column, 2)!, row),
      time: (row) => at64(block.words(column, 2)!, row),
      f64: (row) => block.f64(column)![row]!,
      ip: (row) => Buffer.from(block.words(column, 4)!.buffer, row * 16, 16).toString('hex'),
      string: (row) => {
        const ranges = block.stringRanges(column)!;
        return native.toString('utf8', ranges[row * 2], ranges[row * 2 + 1]);
      },
      dict: (row) => {
        const { values, index } = block.dict(column)!;
        return values[index[row]!]!;
      },
    };
    const nothing = kind === 'string' || kind === 'dict' ? '' : kind === 'ip' ? '0'.repeat(32) : 0;
    rows.forEach((row, i) => (row[name] = block.has(column) ? read[kind](i) : nothing));
  });
  return rows;
}

function withDefaults(given: Given): Given {
  const rows = readRows(new EventBlock(new EventBlockBuilder({ capacity: 1 }).take()));
  expect(rows).toEqual([]);
  return Object.fromEntries(
    EVENT_COLUMNS.map(({ name, kind }) => [
      name,
      given[name] ?? (kind === 'string' || kind === 'dict' ? '' : kind === 'ip' ? '0'.repeat(32) : 0),
    ]),
  );
}

describe('a block of events', () => {
  it('reads as it was filled, block after block from one builder', () => {
    const builder = new EventBlockBuilder({ capacity: 64 });
    fc.assert(
      fc.property(fc.array(rowArbitrary, { maxLength: 30 }), (given) => {
        const expected = given.map((row, position) => withDefaults(append(builder, row, position)));
        const block = new EventBlock(builder.take());
        expect(readRows(block)).toEqual(expected);
        expect(block.minTimeMs).toBe(Math.min(...given.map(({ timeMs }) => timeMs)));
        expect(block.maxTimeMs).toBe(Math.max(...given.map(({ timeMs }) => timeMs)));
        const positions = (id: string) => given.flatMap(({ source }, i) => (source === id ? [i] : []));
        expect(new Map(block.sources.map((span) => [span.id, [span.firstPos, span.lastPos]]))).toEqual(
          new Map(
            [...new Set(given.map(({ source }) => source))].map((id) => [id, [positions(id)[0], positions(id).at(-1)]]),
          ),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('leaves out columns that no row has', () => {
    const builder = new EventBlockBuilder({ capacity: 4 });
    append(builder, { eventClass: EventClass.reading, timeMs: 1, late: false, source: 'a', count: 1, port: 0, texts: [['device', 'd']], raw: '{}' }, 0); // prettier-ignore
    const block = new EventBlock(builder.take());
    const names = block.columns().map(({ index }) => EVENT_COLUMNS[index]!.name);
    expect(names).toEqual(['class', 'time', 'start_time', 'received_time', 'device', 'value', 'raw', '_src', '_pos']);
  });

  it.each([255, 256, 257, 65_535])('holds %i distinct texts in a dictionary', (distinct) => {
    const builder = new EventBlockBuilder({ capacity: 65_535 });
    const row = new EventRow();
    row.eventClass = EventClass.reading;
    const context = contextOf('a');
    for (let i = 0; i < distinct; i++) {
      row.text = Buffer.from(`device ${i}`);
      row.setText(TEXT.device, 0, row.text.length);
      context.position = i;
      builder.append(row, context);
    }
    const read = new EventBlock(builder.take()).dict(COLUMN_INDEX.device)!;
    expect(read.values.length).toBe(distinct + 1);
    for (const i of [0, 1, 254, distinct - 1]) expect(read.values[read.index[i]!]).toBe(`device ${i}`);
    // The builder's next block starts without any of them.
    builder.append(row, context);
    expect(new EventBlock(builder.take()).dict(COLUMN_INDEX.device)!.values).toEqual(['', `device ${distinct - 1}`]);
  });

  it('has its control records at the rows before which they came, also without any row', () => {
    const builder = new EventBlockBuilder({ capacity: 10 });
    builder.control(ControlKind.open, 'ä#1', NaN);
    append(builder, { eventClass: 1, timeMs: 1, late: false, source: 'a', count: 1, port: 0, texts: [], raw: 'x' }, 0);
    builder.control(ControlKind.tick, 'ä#1', -10_000);
    builder.control(ControlKind.model, '', 5, '{"v":"1"}');
    expect(new EventBlock(builder.take()).controls).toEqual([
      { row: 0, kind: ControlKind.open, source: 'ä#1', timeMs: NaN, payload: '' },
      { row: 1, kind: ControlKind.tick, source: 'ä#1', timeMs: -10_000, payload: '' },
      { row: 1, kind: ControlKind.model, source: '', timeMs: 5, payload: '{"v":"1"}' },
    ]);
    builder.control(ControlKind.end, '', NaN);
    const empty = new EventBlock(builder.take());
    expect([empty.rows, empty.columns(), empty.controls.length]).toEqual([0, [], 1]);
    expect(builder.isEmpty).toBe(true);
  });

  it('is full before its control records are more than a header can count', () => {
    const builder = new EventBlockBuilder({ capacity: 10 });
    let controls = 0;
    for (; !builder.isFull && controls < 70_000; controls++) builder.control(ControlKind.tick, 'a', controls);
    expect(builder.isFull).toBe(true);
    expect(new EventBlock(builder.take()).controls.length).toBe(controls);
  });

  it('refuses bytes that are none', () => {
    expect(() => new EventBlock(Buffer.from('short'))).toThrow(VedetteError);
    const other = Buffer.from(new EventBlockBuilder({ capacity: 1 }).take());
    other[4] = 9;
    expect(() => new EventBlock(other)).toThrow(/version 9/);
  });

  it('is corrupt where its header is cut off', () => {
    const builder = new EventBlockBuilder({ capacity: 10 });
    for (let i = 0; i < 3; i++)
      append(builder, { eventClass: 1, timeMs: 1, late: false, source: 'a', count: 1, port: 0, texts: [['device', 'd']], raw: 'xyz' }, i); // prettier-ignore
    builder.control(ControlKind.tick, 'a', 1);
    const whole = builder.take();
    const headerSize = Buffer.from(whole).readUInt32LE(12);
    for (let size = 0; size < headerSize; size++)
      expect(() => new EventBlock(whole.subarray(0, size)), `${size} bytes`).toThrow(VedetteError);
  });
});

describe('dropSeenRows', () => {
  const inOrder = fc.array(rowArbitrary, { maxLength: 25 });
  const highest = fc.record({ 'a#1': fc.option(fc.nat(30)), 'b#2': fc.option(fc.nat(30)) });

  it('keeps what a plain filter keeps, and every control record before the same row', () => {
    fc.assert(
      fc.property(inOrder, highest, fc.array(fc.nat(25), { maxLength: 4 }), (given, known, controlRows) => {
        const builder = new EventBlockBuilder({ capacity: 64 });
        const expected: Given[] = [];
        const controls: string[] = [];
        const story: string[] = [];
        const seen = (id: string) => known[id as keyof typeof known] ?? undefined;
        given.forEach((row, i) => {
          for (const at of controlRows)
            if (at === i) {
              builder.control(ControlKind.tick, 'a', i);
              controls.push(`before ${story.length}`);
            }
          const read = withDefaults(append(builder, row, i));
          if (i > (seen(row.source) ?? -1)) {
            expected.push(read);
            story.push('row');
          }
        });
        const block = dropSeenRows(new EventBlock(builder.take()), seen);
        expect(readRows(block)).toEqual(expected);
        expect(block.controls.map(({ row }) => `before ${row}`)).toEqual(controls);
        const kept = (id: string) => expected.filter((row) => row['_src'] === id).map((row) => row['_pos']);
        expect(block.sources.map(({ id, firstPos, lastPos }) => [id, firstPos, lastPos])).toEqual(
          [...new Set(expected.map((row) => String(row['_src'])))].map((id) => [id, kept(id)[0], kept(id).at(-1)]),
        );
        expect(block.minTimeMs).toBe(Math.min(...expected.map((row) => Number(row['time']))));
      }),
      { numRuns: 200 },
    );
  });
});
