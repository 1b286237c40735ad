import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../../log/event-log.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { EventClass } from '../../model/event-columns.ts';
import { plainNativeCodec } from '../../olap/sink-batch.ts';
import { SINK_GROUP } from '../../olap/sink-commits.ts';
import type { SinkLimits, SinkMetrics, SinkPoint } from '../../olap/sink-options.ts';
import { Sink } from '../../olap/sink.ts';
import { encodeNative, mappedAddress } from './native-fixture.ts';
import { testCodec, testRecord } from './position-codec.ts';
import { type TestEvent, type TestStore } from './store-fixture.ts';

const START = Date.UTC(2026, 10, 20, 23, 59);

function readings(first: number, count: number): TestEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    class: EventClass.reading,
    time: START + (first + index) * 10_000,
    device: 'pump',
    metric: 'flow',
    value: first + index,
    _src: 'file',
    _pos: first + index,
  }));
}

/** `open`: makes a store with the schema. */
export function describeSink(open: () => Promise<TestStore>): void {
  describe('the sink', () => {
    let store: TestStore;
    let log: EventLog;
    let folder: string;
    let counted: { rows: number; duplicates: number; retried: number; corrupt: number[]; lost: number };
    let sinks: Sink[];

    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    beforeEach(async () => {
      counted = { rows: 0, duplicates: 0, retried: 0, corrupt: [], lost: 0 };
      sinks = [];
      folder = mkdtempSync(join(tmpdir(), 'vedette-sink-'));
      log = await openSegmentLog({
        dir: folder,
        topics: [
          { name: 'events', partitions: 2 },
          { name: 'features', partitions: 1 },
        ],
        maxBytes: 1e9,
        segmentBytes: 1e6,
        fsync: 'never',
      });
      for (const table of ['events', 'device_1m', 'device_5m', 'device_1h', 'host_features_1m']) {
        await store.client.command(`TRUNCATE TABLE vedette_store.${table}`);
      }
    });
    afterEach(async () => {
      for (const sink of sinks) await sink.stop();
      await log.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const metrics: SinkMetrics = {
      stored: ({ rows }) => (counted.rows += rows),
      duplicates: (_, rows) => (counted.duplicates += rows),
      retried: () => counted.retried++,
      corrupt: (_topic, _partition, offset) => counted.corrupt.push(offset),
      lost: (_topic, _partition, records) => (counted.lost += records),
    };

    function openSink(at?: (point: SinkPoint) => void, given: Partial<SinkLimits> = {}): Sink {
      const routes = [
        { topic: 'events', table: 'vedette_store.events', codec: testCodec },
        { topic: 'features', table: 'vedette_store.host_features_1m', codec: plainNativeCodec },
      ];
      const limits = { maxRows: 10, flushMs: 20, retryMs: { first: 20, max: 100 }, ...given };
      const sink = new Sink({ routes, limits }, { log, client: store.client, metrics, ...(at && { at }) });
      sinks.push(sink);
      return sink;
    }

    async function stored(): Promise<unknown> {
      const [events] = await store.client.query(
        'SELECT count() AS rows, uniqExact(_pos) AS positions, sum(value) AS total FROM vedette.events',
      );
      const [hours] = await store.client.query('SELECT sum(n) AS n, sum(sum) AS total FROM vedette.device_1h');
      return { events, hours };
    }
    const expectedOf = (count: number) => {
      const total = (count * (count - 1)) / 2;
      return { events: { rows: count, positions: count, total }, hours: { n: count, total } };
    };

    async function appendReadings(records: number, rows: number): Promise<void> {
      for (let record = 0; record < records; record++) {
        await log.append('events', 0, [testRecord(readings(record * rows, rows))]);
      }
    }

    it('stores every row once, with partition and offset, across a day boundary', async () => {
      await appendReadings(9, 4);
      const sink = openSink();
      sink.start();
      await sink.drain();
      expect(await stored()).toEqual(expectedOf(36));
      expect(counted).toEqual({ rows: 36, duplicates: 0, retried: 0, corrupt: [], lost: 0 });
      const text = 'SELECT _part, _off, count() AS rows FROM vedette.events GROUP BY _part, _off ORDER BY _off LIMIT 2';
      expect(await store.client.query(text)).toEqual([
        { _part: 0, _off: 0, rows: 4 },
        { _part: 0, _off: 1, rows: 4 },
      ]);
      expect(sink.acknowledged('events', 0)).toBe(9);
    });

    it('leaves nothing to be repeated when it is told to end while it waits for more', async () => {
      await appendReadings(1, 4);
      const stored = new Promise<void>((resolve) => {
        const sink = openSink(
          (point) => {
            if (point === 'rows_sent') void log.append('events', 0, [testRecord(readings(4, 4))]);
            if (point === 'rows_acked') resolve();
          },
          { flushMs: 500 },
        );
        sink.start();
      });
      await stored;
      await sleep(100);
      await sinks[0]!.stop();
      const committed = await log.committed(SINK_GROUP, 'events', 0);
      expect(committed).toMatchObject({ offset: 1 });
      expect(committed?.metadata).not.toContain('intent');
    });

    it('drops what is delivered again at new offsets', async () => {
      await appendReadings(3, 4);
      const sink = openSink();
      sink.start();
      await sink.drain();
      await appendReadings(5, 4);
      await sink.drain();
      expect(await stored()).toEqual(expectedOf(20));
      expect(counted).toMatchObject({ rows: 20, duplicates: 12 });
    });

    it('passes over a record that cannot be parsed, and counts it', async () => {
      await log.append('events', 0, [testRecord(readings(0, 2)), Buffer.from('broken'), testRecord(readings(2, 2))]);
      const sink = openSink();
      sink.start();
      await sink.drain();
      expect(await stored()).toEqual(expectedOf(4));
      expect(counted.corrupt).toEqual([1]);
    });

    it.each(['intent_written', 'rows_sent', 'rows_acked'] as const)(
      'stores every row once when it dies at %s in the third batch, and more has arrived since',
      async (point) => {
        await appendReadings(10, 4);
        let reached = 0;
        const dying = openSink((at) => {
          if (at !== point || ++reached !== 3) return;
          if (at !== 'rows_sent') throw new Error('killed');
          // The server goes with its parent, in the middle of the insert.
          store.interrupt();
          void dying.stop();
        });
        await dying.run().catch((error: unknown) => {
          expect(error).toMatchObject({ message: 'killed' });
        });
        expect((await log.committed(SINK_GROUP, 'events', 0))?.metadata).toMatch(/"intent":\{"first":2,"last":3\}/);
        await appendReadings(15, 4);
        const sink = openSink();
        sink.start();
        await sink.drain();
        expect(await stored()).toEqual(expectedOf(60));
      },
    );

    it('waits while ClickHouse is away, holds one batch, and drains when it is back', async () => {
      const sink = openSink();
      sink.start();
      await appendReadings(2, 4);
      await sink.drain();
      store.interrupt();
      await appendReadings(12, 4);
      await sink.drain();
      expect(await stored()).toEqual(expectedOf(48));
      expect(counted.retried).toBeGreaterThan(0);
    });

    it('keeps trying an insert that is refused, and stores it once the store is repaired', async () => {
      await store.client.command('RENAME TABLE vedette_store.device_1h TO vedette_store.away');
      await appendReadings(2, 4);
      const sink = openSink();
      sink.start();
      while (counted.retried < 2) await sleep(10);
      await store.client.command('RENAME TABLE vedette_store.away TO vedette_store.device_1h');
      await sink.drain();
      expect(await stored()).toEqual(expectedOf(8));
    });

    it('stores features, which are plain Native blocks', async () => {
      const block = (flows: number) =>
        encodeNative([
          { spec: { name: 'host', type: 'IPv6', kind: 'ip' }, values: [mappedAddress('10.0.0.9')] },
          { spec: { name: 'time', type: "DateTime('UTC')", kind: 'u32' }, values: [START / 1000 + flows * 60] },
          { spec: { name: 'flows', type: 'UInt64', kind: 'u64' }, values: [flows] },
        ]);
      await log.append('features', 0, [block(1), block(2), block(3)]);
      const sink = openSink();
      sink.start();
      await sink.drain();
      expect(await store.client.query('SELECT flows FROM vedette.host_features_1m ORDER BY flows')).toEqual([
        { flows: 1 },
        { flows: 2 },
        { flows: 3 },
      ]);
    });

    it('ends its wait with an error when it is stopped before', async () => {
      const sink = openSink();
      sink.start();
      const waiting = sink.stored('events', 0, 5);
      await sink.stop();
      await expect(waiting).rejects.toThrow(/stopped before/);
    });
  });
}
