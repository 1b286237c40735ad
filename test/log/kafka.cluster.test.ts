import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionTypes } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CODECS } from '../../log/kafka/codecs.ts';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';
import { RecordCursor } from '../../log/kafka/record-cursor.ts';
import { CONTRACT_TOPICS, describeEventLog, readAll } from './event-log.contract.ts';
import { kafkaBrokers, KafkaFixture } from './kafka.fixture.ts';

const brokers = kafkaBrokers();

describe.skipIf(!brokers)('on a broker', () => {
  describeEventLog('the event log on Kafka', async () => {
    const fixture = new KafkaFixture(brokers!);
    let log: KafkaLog;
    return {
      open: async () => (log = await fixture.open(CONTRACT_TOPICS)),
      // A broker looks for what is too old once in minutes; deleting records does the same at once.
      async applyRetention() {
        const topic = fixture.name('short');
        await fixture.withAdmin(async (admin) => {
          await admin.fetchTopicOffsets(topic); // kafkajs looks for the leader in what it has asked for before
          await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '56' }] });
        });
        while (log.bounds('short', 0).earliest === 0) await sleep(20);
      },
      remove: () => fixture.remove(),
    };
  });

  describe('the event log on Kafka', () => {
    let fixture: KafkaFixture;
    const topics = [{ name: 'events', partitions: 2 }];
    const text = (value: string) => Buffer.from(value);

    beforeEach(() => {
      fixture = new KafkaFixture(brokers!);
    });

    afterEach(() => fixture.remove());

    it.each(CODECS)('stores with codec %s what any reader gets back, large and small', async (compression) => {
      const records = [text('small'), new Uint8Array(0), Buffer.alloc(2_000_000, 'block of events '), text('last')];
      const writer = await fixture.open(topics, { compression });
      expect(await writer.append('events', 0, records)).toBe(0);
      expect(await writer.append('events', 0, [text('next')])).toBe(4);
      const reader = await fixture.open(topics);
      const seen = [];
      for (let offset = 0; offset < 5;) {
        for (const entry of await reader.read('events', 0, offset, { maxBytes: 4 << 20 })) {
          seen.push({
            offset: entry.offset,
            same: Buffer.from(entry.data).equals([...records, text('next')][entry.offset]!),
          });
          offset = entry.offset + 1;
        }
      }
      expect(seen).toEqual([0, 1, 2, 3, 4].map((offset) => ({ offset, same: true })));
    });

    it('reads what kafkajs produced, tombstones and keys too', async () => {
      const log = await fixture.open(topics);
      const producer = fixture.client().producer({ idempotent: true });
      await producer.connect();
      await producer.send({
        topic: fixture.name('events'),
        compression: CompressionTypes.GZIP,
        messages: [
          { partition: 0, key: 'k', value: 'with key', headers: { h: 'v' } },
          { partition: 0, key: 'k', value: null },
          { partition: 0, value: 'plain' },
        ],
      });
      await producer.disconnect();
      await log.wait('events', 0, 2, AbortSignal.timeout(10_000));
      const entries = await log.read('events', 0, 0, { maxBytes: 1000 });
      expect(entries.map(({ offset, data }) => `${offset} ${Buffer.from(data).toString()}`)).toEqual([
        '0 with key',
        '1 ',
        '2 plain',
      ]);
      const [range] = await log.readBatches('events', 0, 0, { maxBytes: 1000 });
      const cursor = new RecordCursor(range!);
      const values = [];
      while (cursor.next()) values.push([cursor.keyStart >= 0, cursor.valueStart >= 0]);
      expect(values).toEqual([
        [true, true],
        [true, false],
        [false, true],
      ]);
    });

    it('goes past the markers of transactions, and waits behind one at the end', async () => {
      const log = await fixture.open(topics);
      const producer = fixture
        .client()
        .producer({ transactionalId: fixture.name('tx'), maxInFlightRequests: 1, idempotent: true });
      await producer.connect();
      for (const value of ['one', 'two']) {
        const transaction = await producer.transaction();
        await transaction.send({ topic: fixture.name('events'), messages: [{ partition: 0, value }] });
        await transaction.commit();
      }
      await producer.disconnect();
      await log.wait('events', 0, 3, AbortSignal.timeout(10_000));
      expect(await readAll(log, 'events', 0)).toEqual(['0 one', '2 two']);
      expect(await log.read('events', 0, 3, { maxBytes: 100 })).toEqual([]);
      const waiting = log.wait('events', 0, 3, AbortSignal.timeout(10_000)).then(() => 'woken');
      expect(await Promise.race([waiting, sleep(300, 'still waiting')])).toBe('still waiting');
      expect(await log.append('events', 0, [text('three')])).toBe(4);
      expect(await waiting).toBe('woken');
      expect((await log.read('events', 0, 3, { maxBytes: 100 })).map(({ offset }) => offset)).toEqual([4]);
    });

    it('serves two readers of one partition that are at different places', async () => {
      const log = await fixture.open(topics);
      for (let i = 0; i < 60; i++) await log.append('events', 0, [Buffer.alloc(100_000, i)]);
      const read = async (from: number) => {
        const seen: number[] = [];
        for (let offset = from; offset < 60;) {
          const entries = await log.read('events', 0, offset, { maxBytes: 150_000 });
          seen.push(...entries.map(({ data }) => data[0]!));
          offset = entries.at(-1)!.offset + 1;
        }
        return seen;
      };
      const all = Array.from({ length: 60 }, (_, i) => i);
      expect(await Promise.all([read(0), read(25), read(0)])).toEqual([all, all.slice(25), all]);
    });

    it('wakes a reader by what another process appends, well within a second', async () => {
      const reader = await fixture.open(topics);
      const writer = await fixture.open(topics);
      await writer.append('events', 1, [text('warm')]);
      await reader.wait('events', 1, 0, AbortSignal.timeout(10_000));
      await reader.read('events', 1, 0, { maxBytes: 100 });
      const waiting = reader.wait('events', 1, 1, AbortSignal.timeout(10_000)).then(() => performance.now());
      await sleep(300);
      const appended = writer.append('events', 1, [text('new')]).then(() => performance.now());
      expect((await waiting) - (await appended)).toBeLessThan(900);
      expect(await readAll(reader, 'events', 1)).toEqual(['0 warm', '1 new']);
    });

    it('refuses a record that the topic does not take, and stores those around it', async () => {
      const log = await fixture.open(topics, { compression: 'none' });
      const outcomes = await Promise.allSettled([
        log.append('events', 0, [text('before')]),
        log.append('events', 0, [Buffer.alloc(9 << 20)]),
        log.append('events', 0, [text('after')]),
      ]);
      expect(outcomes).toMatchObject([
        { status: 'fulfilled', value: 0 },
        { status: 'rejected', reason: { code: 'BAD_REQUEST' } },
        { status: 'fulfilled', value: 1 },
      ]);
    });

    it('stores an append that is larger than a batch as several, in order', async () => {
      const log = await fixture.open(topics, { compression: 'none' });
      const records = Array.from({ length: 12 }, (_, i) => Buffer.alloc(1_500_000, i));
      expect(await log.append('events', 0, records)).toBe(0);
      expect(log.bounds('events', 0)).toEqual({ earliest: 0, end: 12 });
      const first: number[] = [];
      for (let offset = 0; offset < 12; offset = first.length) {
        for (const { data } of await log.read('events', 0, offset, { maxBytes: 4 << 20 })) first.push(data[0]!);
      }
      expect(first).toEqual(records.map((_, i) => i));
    });

    it('refuses a topic that exists with another number of partitions, in words', async () => {
      await fixture.open(topics);
      await expect(fixture.open([{ name: 'events', partitions: 3 }])).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('has 2 partitions, and the configuration says 3'),
      });
    });

    it('makes topics with the settings that it was given, and describes them', async () => {
      const log = await fixture.open([
        { name: 'events', partitions: 2, retentionMs: 3_600_000, retentionBytes: 1 << 30 },
        { name: 'compacted', partitions: 1, cleanup: 'compact' },
      ]);
      await log.append('events', 1, [text('a')]);
      const { brokers: nodes, topics: described } = await log.describe();
      expect(nodes.length).toBeGreaterThanOrEqual(1);
      expect(nodes[0]!.versions!.fetch).toBeGreaterThanOrEqual(11);
      const settings = (name: string) => described.find((topic) => topic.name === fixture.name(name))!;
      expect(settings('events').settings).toMatchObject({
        'cleanup.policy': 'delete',
        'retention.ms': '3600000',
        'retention.bytes': String(1 << 30),
        'max.message.bytes': String(8 << 20),
        'min.insync.replicas': '1',
      });
      expect(settings('compacted').settings['cleanup.policy']).toBe('compact');
      expect(settings('events').partitions.map(({ earliest, end }) => [earliest, end])).toEqual([
        [0, 0],
        [0, 1],
      ]);
    });

    it('is LOG_RANGE beyond the end, as when a topic was deleted and made again', async () => {
      const log = await fixture.open(topics);
      await expect(log.read('events', 0, 5, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LOG_RANGE' });
    });

    it('is NOT_FOUND when a topic was deleted', async () => {
      const log = await fixture.open(topics);
      await log.append('events', 0, [text('a')]);
      await fixture.withAdmin((admin) => admin.deleteTopics({ topics: [fixture.name('events')] }));
      await expect(
        log.read('events', 0, 1, { maxBytes: 100 }).then(() => log.append('events', 0, [text('b')])),
      ).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    });

    it('gives a group up to who claims it last, and tells Kafka’s own group where it is', async () => {
      const first = await fixture.open(topics);
      const second = await fixture.open(topics);
      await first.append('events', 0, [text('a'), text('b')]);
      expect(await first.claim('sink', 'events', 0)).toBeUndefined();
      await first.commit('sink', 'events', 0, { offset: 1, metadata: 'intent' });
      expect(await second.claim('sink', 'events', 0)).toEqual({ offset: 1, metadata: 'intent' });
      await expect(first.commit('sink', 'events', 0, { offset: 2, metadata: '' })).rejects.toMatchObject({
        code: 'LOCKED',
      });
      await expect(first.commit('sink', 'events', 0, { offset: 2, metadata: '' })).rejects.toMatchObject({
        code: 'LOCKED',
      });
      await second.commit('sink', 'events', 0, { offset: 2, metadata: '' });
      await second.close();
      const told = await fixture.withAdmin((admin) =>
        admin.fetchOffsets({ groupId: fixture.name('sink'), topics: [fixture.name('events')] }),
      );
      expect(told[0]!.partitions.find(({ partition }) => partition === 0)!.offset).toBe('2');
      expect(second.stats().mirrorFailures).toBe(0);
    });

    it('closes at once while readers wait, and is LOG_UNAVAILABLE afterwards', async () => {
      const log = await fixture.open(topics);
      const waiting = log.wait('events', 0, 0, new AbortController().signal);
      await sleep(200);
      const startMs = performance.now();
      await log.close();
      await waiting;
      expect(performance.now() - startMs).toBeLessThan(500);
      await expect(log.append('events', 0, [text('a')])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      await expect(log.read('events', 0, 0, { maxBytes: 1 })).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    });

    it('says LOG_UNAVAILABLE when no broker answers in time', async () => {
      const away = new KafkaFixture(['127.0.0.1:1'], { openTimeoutMs: 500 });
      await expect(away.open(topics)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    });
  });
});
