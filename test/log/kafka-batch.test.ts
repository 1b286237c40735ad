import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODECS, decompress, loadCodec } from '../../log/kafka/codecs.ts';
import { crc32c } from '../../log/kafka/crc32c.ts';
import { decodeEntries, openBatch } from '../../log/kafka/decode-batch.ts';
import { type BatchRecord, encodeBatch, stampBatch } from '../../log/kafka/encode-batch.ts';
import { splitBatches, type RecordBatch } from '../../log/kafka/record-batch.ts';
import { RecordCursor } from '../../log/kafka/record-cursor.ts';

/*
 * kafkajs 2.2.4 has an encoder, a decoder and a checksum of its own: what this folder writes and reads is held against
 * them.
 */
const require = createRequire(import.meta.url);
const kafkajsCrc = require('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Buffer) => number;
const { RecordBatch: kafkajsBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch: (options: object) => Promise<{ buffer: Buffer }>;
};
const kafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => object;
const kafkajsDecode = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (decoder: object) => Promise<{
  records: { offset: string; key: Buffer | null; value: Buffer | null }[];
}>;
const KafkajsDecoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;

const NOBODY = { producerId: -1n, epoch: -1, sequence: -1 };

interface TestRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Record<string, string>;
  readonly timestampDelta: number;
}

const record = fc.record<TestRecord>({
  key: fc.option(fc.uint8Array({ maxLength: 200 })),
  value: fc.option(fc.uint8Array({ maxLength: 20_000 })),
  headers: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 100 }), { maxKeys: 3 }),
  timestampDelta: fc.nat(2 ** 31 - 1),
});

async function byKafkajs(records: readonly TestRecord[], overrides: object = {}): Promise<Buffer> {
  const encoded = records.map(({ key, value, headers, timestampDelta }, offsetDelta) =>
    kafkajsRecord({
      offsetDelta,
      timestampDelta,
      key: key && Buffer.from(key),
      value: value && Buffer.from(value),
      headers,
    }),
  );
  const { buffer } = await kafkajsBatch({
    firstOffset: 0,
    firstTimestamp: 1_700_000_000_000,
    maxTimestamp: 1_700_000_000_000,
    lastOffsetDelta: records.length - 1,
    records: encoded,
    ...overrides,
  });
  return Buffer.from(buffer);
}

function only(bytes: Buffer): RecordBatch {
  const { batches } = splitBatches(bytes, { start: 0, end: bytes.length });
  expect(batches).toHaveLength(1);
  return batches[0]!;
}

async function encoded(values: readonly BatchRecord[], codec: (typeof CODECS)[number] = 'none'): Promise<Buffer> {
  const batch = await encodeBatch(values, { codec, timeMs: 1_700_000_000_000 });
  stampBatch(batch, NOBODY);
  return batch;
}

describe('the checksum', () => {
  it('has the check value of the catalogue of parametrised CRC algorithms for CRC-32/ISCSI', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
  });

  it('is that of kafkajs for any bytes at any place, short and long', () => {
    const bytes = Buffer.alloc(700_000);
    for (let i = 0, state = 1; i < bytes.length; i++) bytes[i] = state = (state * 48271) % 0x7fffffff;
    fc.assert(
      fc.property(fc.nat(1000), fc.oneof(fc.nat(300), fc.nat(20_000), fc.nat(690_000)), (start, length) => {
        const end = start + length;
        expect(crc32c(bytes, start, end)).toBe(kafkajsCrc(bytes.subarray(start, end)));
      }),
      { numRuns: 150 },
    );
  });
});

describe('a record batch', () => {
  it('of kafkajs is read as it was written, with keys, headers, times and tombstones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 30 }), async (records) => {
        const batch = only(await byKafkajs(records));
        expect([batch.baseOffset, batch.nextOffset]).toEqual([0, records.length]);
        const cursor = new RecordCursor((await openBatch(batch))!);
        for (const [i, { key, value }] of records.entries()) {
          expect(cursor.next()).toBe(true);
          expect(cursor.offset).toBe(i);
          expect(isSame(slice(cursor.bytes, cursor.keyStart, cursor.keyEnd), key)).toBe(true);
          expect(isSame(slice(cursor.bytes, cursor.valueStart, cursor.valueEnd), value)).toBe(true);
        }
        expect(cursor.next()).toBe(false);
        const entries = await decodeEntries(batch);
        expect(entries.map(({ data }) => data.length)).toEqual(records.map(({ value }) => value?.length ?? 0));
      }),
      { numRuns: 60 },
    );
  });

  it('is written so that kafkajs reads it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20_000 }), { minLength: 1, maxLength: 30 }),
        async (values) => {
          const bytes = await encoded(values);
          const { records } = await kafkajsDecode(new KafkajsDecoder(bytes));
          expect(records.every(({ value }, i) => value?.equals(values[i]!))).toBe(true);
          expect(records).toHaveLength(values.length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('has keys where it was given some, as kafkajs reads them', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(bytes, fc.record({ key: bytes, value: bytes })), { minLength: 1, maxLength: 30 }),
        async (given) => {
          const { records } = await kafkajsDecode(new KafkajsDecoder(await encoded(given)));
          expect(records).toHaveLength(given.length);
          given.forEach((each, i) => {
            const { key, value } = each instanceof Uint8Array ? { key: null, value: each } : each;
            expect(isSame(records[i]!.key, key)).toBe(true);
            expect(records[i]!.value?.equals(value)).toBe(true);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(CODECS)('comes back as it was through %s', async (codec) => {
    const values = [
      new Uint8Array(0),
      Buffer.from('a'.repeat(100_000)),
      Buffer.from(Array.from({ length: 999 }, (_, i) => i)),
    ];
    const entries = await decodeEntries(only(await encoded(values, codec)));
    expect(
      entries.map(({ data }, i) => values[i]!.length === data.length && Buffer.compare(data, values[i]!) === 0),
    ).toEqual([true, true, true]);
  });

  it('that was damaged anywhere behind its length and epoch is LOG_CORRUPT, never something else', async () => {
    const good = await encoded([Buffer.from('first'), Buffer.from('second'.repeat(50))]);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 17, max: good.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const bytes = Buffer.from(good);
          bytes[at]! ^= mask;
          const { batches, damaged } = splitBatches(bytes, { start: 0, end: bytes.length });
          if (damaged !== undefined) return;
          await expect(decodeEntries(batches[0]!)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('whose checksum is right but whose records make no sense is LOG_CORRUPT, with no read beyond its bytes', async () => {
    const good = await encoded([Buffer.from('first'), Buffer.from('second'), Buffer.from('third'.repeat(40))]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 57, max: good.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          stampBatch(bytes, NOBODY);
          const batch = only(bytes);
          const outcome = await decodeEntries(batch).catch((error: unknown) => error);
          if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'LOG_CORRUPT' });
          else {
            const offsets = (outcome as { offset: number }[]).map(({ offset }) => offset);
            expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
            expect(offsets.every((offset) => offset >= batch.baseOffset && offset < batch.nextOffset)).toBe(true);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('that is cut off anywhere is not taken for a whole one', async () => {
    const first = await encoded([Buffer.from('first')]);
    const both = Buffer.concat([first, await encoded([Buffer.from('second')])]);
    for (let end = 0; end < both.length; end++) {
      const { batches, damaged } = splitBatches(both, { start: 0, end });
      expect([batches.length, damaged]).toEqual([end < first.length ? 0 : 1, undefined]);
    }
    expect(splitBatches(both, { start: 0, end: both.length }).batches).toHaveLength(2);
  });

  it.each([
    ['a length below its header', 8, Buffer.from([0, 0, 0, 10])],
    ['a length below zero', 8, Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a length that no topic takes', 8, Buffer.from([0x7f, 0xff, 0xff, 0xff])],
    ['the format of Kafka 0.10', 16, Buffer.from([1])],
    ['an offset below zero', 0, Buffer.from([0x80, 0, 0, 0])],
  ])('with %s is told as damage', async (_, at, bytes) => {
    const batch = await encoded([Buffer.from('first')]);
    batch.set(bytes, at);
    expect(splitBatches(batch, { start: 0, end: batch.length })).toMatchObject({
      batches: [],
      damaged: expect.any(String),
    });
  });

  it('of a transaction’s marker has an offset and no record', async () => {
    const bytes = await encoded([Buffer.from([0, 0, 0, 1])]);
    bytes[22]! |= 0x20;
    stampBatch(bytes, NOBODY);
    expect(await decodeEntries(only(bytes))).toEqual([]);
  });

  it('with a codec that nobody knows says so', async () => {
    const bytes = await encoded([Buffer.from('first')]);
    bytes[22]! |= 6;
    stampBatch(bytes, NOBODY);
    await expect(decodeEntries(only(bytes))).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining('codec 6'),
    });
  });
});

describe('a compressed frame', () => {
  const compressed = CODECS.filter((codec) => codec !== 'none');

  it.each(compressed)('of %s that is no such frame is LOG_CORRUPT', async (codec) => {
    const bytes = Buffer.from('this is none');
    await expect(decompress(CODECS.indexOf(codec), bytes)).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      message: expect.stringContaining(codec),
    });
  });

  it.each(compressed)('of %s that would fill the memory is refused before it does', async (codec) => {
    const compression = (await loadCodec(codec))!;
    const bomb = await compression.compress(Buffer.alloc(40 << 20));
    await expect(compression.decompress(bomb, 4 << 20)).rejects.toThrow();
    expect((await compression.decompress(bomb, 64 << 20)).length).toBe(40 << 20);
  });
});

function slice(bytes: Uint8Array, start: number, end: number): Buffer | null {
  return start < 0 ? null : Buffer.from(bytes.subarray(start, end));
}

function isSame(one: Buffer | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}
