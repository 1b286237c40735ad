import { describe, expect, it } from 'vitest';
import { HighWater } from '../../olap/high-water.ts';
import { makeBatch } from '../../olap/sink-batch.ts';
import { testCodec, testRecord } from './position-codec.ts';
import type { TestEvent } from './store-fixture.ts';

const DAY = 86_400_000;
const LIMITS = { maxBytes: 1e6, maxRows: 10 };

function rows(source: string, first: number, count: number, time = DAY): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ class: 0, time, _src: source, _pos: first + index }));
}

function entries(...records: (readonly TestEvent[] | string)[]) {
  return records.map((record, index) => ({
    offset: 10 + index,
    data: typeof record === 'string' ? Buffer.from(record) : testRecord(record),
  }));
}

function batchOf(records: ReturnType<typeof entries>, high = new HighWater(100), last?: number) {
  return makeBatch(records, {
    codec: testCodec,
    partition: 3,
    high,
    limits: LIMITS,
    ...(last !== undefined && { last }),
  });
}

describe('a batch of the sink', () => {
  it('takes whole records up to the limit on rows', () => {
    const batch = batchOf(entries(rows('a', 0, 7), rows('a', 7, 3), rows('a', 10, 1)));
    expect(batch).toMatchObject({ first: 10, last: 11, rows: 10, duplicates: 0 });
  });

  it('takes a record that is larger than the limit alone', () => {
    expect(batchOf(entries(rows('a', 0, 12), rows('a', 12, 1)))).toMatchObject({ first: 10, last: 10, rows: 12 });
  });

  it('ends at the end of a day', () => {
    expect(batchOf(entries(rows('a', 0, 1), rows('a', 1, 1, 2 * DAY)))).toMatchObject({ last: 10, rows: 1 });
  });

  it('takes a record that spans days alone', () => {
    const spanning = [...rows('a', 1, 1), ...rows('a', 2, 1, 3 * DAY)];
    expect(batchOf(entries(rows('a', 0, 1), spanning))).toMatchObject({ last: 10, rows: 1 });
    expect(batchOf(entries(spanning, rows('a', 3, 1)))).toMatchObject({ last: 10, rows: 2 });
  });

  it('drops rows that are not above the highest position of their source', () => {
    const batch = batchOf(
      entries(rows('a', 0, 2), rows('a', 1, 2), rows('a', 0, 3), [...rows('b', 1, 1), ...rows('a', 2, 2)]),
    );
    expect(batch).toMatchObject({ last: 13, rows: 5, duplicates: 5 });
  });

  it('keeps rows of one position in one record, as one line may give several', () => {
    expect(batchOf(entries([...rows('a', 1, 1), ...rows('a', 1, 1)]))).toMatchObject({ rows: 2, duplicates: 0 });
  });

  it('passes over records that cannot be parsed, and names them', () => {
    const batch = batchOf(entries(rows('a', 0, 1), 'broken', rows('a', 1, 1)));
    expect(batch).toMatchObject({ last: 12, rows: 2, corrupt: [11] });
  });

  it('is the same bytes when it is made again up to its last record, whatever follows', () => {
    const all = entries(rows('a', 0, 2), rows('a', 1, 2), rows('a', 9, 9));
    const first = batchOf(all);
    const again = batchOf(all, new HighWater(100), first.last);
    expect(Buffer.concat(again.body).equals(Buffer.concat(first.body))).toBe(true);
    expect(again.last).toBe(first.last);
  });
});
