import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { estimate, higherRegisters, javaHash, placeAndRank } from '../../bench/kafka/destination-sketch.ts';
import { FlowRecord } from '../../bench/kafka/flow-record.ts';
import { JobPartition } from '../../bench/kafka/job-partition.ts';
import { openBatch } from '../../log/kafka/decode-batch.ts';
import { encodeBatch, stampBatch } from '../../log/kafka/encode-batch.ts';
import type { RecordRange } from '../../log/kafka/record-cursor.ts';
import { Random } from '../../sample/random.ts';
import { restoreSnapshot, takeSnapshot } from '../../stream/snapshot.ts';
import { peerAlerts, peerHash, type PeerFlow } from './kafka-job-reference.ts';

const BASE_MS = 1_767_225_600_000;

/** Hosts of which some send, from the third minute on, far more, or to far more destinations. */
function flows(): PeerFlow[] {
  const random = new Random(1, 'job');
  const below = (limit: number): number => Math.floor(random.unit() * limit);
  return Array.from({ length: 40_000 }, (_, i) => {
    const ts = BASE_MS + i * 6;
    const host = Math.floor(40 * random.unit() ** 3);
    const isOdd = ts - BASE_MS > 150_000 && ts - BASE_MS < 190_000;
    const destinations = isOdd && host === 3 ? 60_000 : 30;
    const bytes = 200 + below(20_000);
    return {
      ts,
      src: `10.0.${host >> 3}.${host}`,
      dst: `172.16.${below(destinations) >> 8}.${below(destinations) & 255}`,
      bytesOut: isOdd && host === 5 ? bytes * 40 : bytes,
      bytesIn: below(100_000),
    };
  });
}

function json({ ts, src, dst, bytesOut, bytesIn }: PeerFlow): Buffer {
  return Buffer.from(
    `{"ts":${ts},"uid":"C1","src":"${src}","sport":1024,"dst":"${dst}","dport":443,"proto":"tcp","service":"ssl",` +
      `"bytes_out":${bytesOut},"bytes_in":${bytesIn},"packets":3,"conn_state":"SF","duration":1.5}`,
  );
}

async function batches(all: readonly PeerFlow[], size: number): Promise<RecordRange[]> {
  const ranges: RecordRange[] = [];
  for (let at = 0; at < all.length; at += size) {
    const values = all.slice(at, at + size).map(json);
    const bytes = await encodeBatch(values, { codec: 'none', timeMs: BASE_MS });
    stampBatch(bytes, { producerId: -1n, epoch: -1, sequence: -1 });
    const place = { start: 0, end: bytes.length, baseOffset: at, nextOffset: at + values.length };
    ranges.push((await openBatch({ bytes, ...place }))!);
  }
  return ranges;
}

function take(job: JobPartition, ranges: readonly RecordRange[]): string[] {
  return ranges.flatMap((range) => job.take(range).map((alert) => Buffer.from(alert).toString()));
}

describe('job J', () => {
  const all = flows();
  let ranges: RecordRange[];
  beforeAll(async () => {
    ranges = await batches(all, 500);
  });

  it('raises the alerts of the peers, byte for byte', () => {
    const expected = peerAlerts(all);
    expect(expected.length).toBeGreaterThan(5);
    expect(take(new JobPartition(new FlowRecord()), ranges).sort()).toEqual([...expected].sort());
  });

  it('goes on from a checkpoint where it stopped', async () => {
    const whole = take(new JobPartition(new FlowRecord()), ranges);
    const half = ranges.length >> 1;
    const first = new JobPartition(new FlowRecord());
    const before = take(first, ranges.slice(0, half));
    const snapshot = takeSnapshot(first);
    // The job goes on while its pages are written.
    const after = take(first, ranges.slice(half, half + 10));
    const parts = [...snapshot.parts].map((part) => ({ name: part.name, bytes: part.bytes().slice() }));
    snapshot.release();
    const second = new JobPartition(new FlowRecord());
    await restoreSnapshot(second, snapshot.meta, (async function* () { yield* parts; })()); // prettier-ignore
    const resumed = take(second, ranges.slice(half));
    expect(resumed.slice(0, after.length)).toEqual(after);
    expect([...before, ...resumed]).toEqual(whole);
  });

  it('takes each record of a batch once, from its next offset on', () => {
    const job = new JobPartition(new FlowRecord());
    take(job, ranges.slice(0, 2));
    job.next = 750;
    take(job, ranges.slice(1, 2));
    expect(job.counters.flows).toBe(1250);
  });

  it('counts what it cannot read and goes on', async () => {
    const values = ['{"ts":1}', 'no JSON', '{"ts":1,"src":"fe80::1","dst":"10.0.0.1","bytes_out":1,"bytes_in":1}'];
    const bytes = await encodeBatch(values.map((text) => Buffer.from(text)), { codec: 'none', timeMs: 0 }); // prettier-ignore
    stampBatch(bytes, { producerId: -1n, epoch: -1, sequence: -1 });
    const range = await openBatch({ bytes, start: 0, end: bytes.length, baseOffset: 0, nextOffset: 3 });
    const job = new JobPartition(new FlowRecord());
    expect(job.take(range!)).toEqual([]);
    expect(job.counters).toMatchObject({ flows: 0, unreadable: 3 });
    expect(job.next).toBe(3);
  });
});

describe('the sketch of destinations', () => {
  it('puts every text in the register of the peers, with their rank', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 40 }), (text) => {
        const bytes = Buffer.from(text);
        const placed = placeAndRank(javaHash(bytes, 0, bytes.length));
        expect({ register: placed & 63, rank: placed >>> 6 }).toEqual(peerHash(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('merges four registers at once', () => {
    const four = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four, four, (a, b) => {
        const merged = higherRegisters(wordOf(a), wordOf(b));
        expect([0, 1, 2, 3].map((i) => (merged >>> (8 * i)) & 255)).toEqual(a.map((rank, i) => Math.max(rank, b[i]!)));
      }),
    );
  });

  it('counts a few destinations well', () => {
    const registers = new Int32Array(16);
    for (let i = 0; i < 20; i++) {
      const text = Buffer.from(`172.16.0.${i}`);
      const placed = placeAndRank(javaHash(text, 0, text.length));
      const word = (placed & 63) >> 2;
      registers[word] = higherRegisters(registers[word]!, (placed >>> 6) << (8 * (placed & 3)));
    }
    expect(estimate(registers)).toBeGreaterThan(14);
    expect(estimate(registers)).toBeLessThan(27);
  });
});

function wordOf(ranks: readonly number[]): number {
  return ranks.reduce((word, rank, i) => word | (rank << (8 * i)), 0);
}
