import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareIds, type RawConsumer, type RawLog, type ReceivedMessage } from '../../ingest/raw-log.ts';

/** What an adapter brings to the contract. */
export interface RawLogHarness {
  /** Another client of the same raw log: what one publishes the others get. */
  connect(options?: { mayCreate?: boolean }): RawLog;
  remove(): Promise<void>;
}

const TOPIC = { name: 'raw-lines', partitions: 2 };

/** What every adapter of {@link RawLog} promises. */
export function describeRawLog(name: string, createHarness: () => Promise<RawLogHarness>): void {
  describe(`${name} keeps the contract of the raw log`, () => {
    let harness: RawLogHarness;
    let opened: RawLog[];

    beforeEach(async () => {
      harness = await createHarness();
      opened = [];
    });

    afterEach(async () => {
      await Promise.all(opened.map((log) => log.close()));
      await harness.remove();
    });

    async function connect(): Promise<RawLog> {
      const log = harness.connect();
      opened.push(log);
      await log.open(TOPIC);
      return log;
    }

    it('makes a topic once, and tells its incarnation to everybody', async () => {
      const first = await (await connect()).open(TOPIC);
      const second = await (await connect()).open(TOPIC);
      expect(first).toMatchObject(TOPIC);
      expect(first.incarnation).not.toBe('');
      expect(second).toEqual(first);
    });

    it('refuses a topic with other partitions than it has, one that may not be made, and one that was not opened', async () => {
      const log = await connect();
      await expect(log.open({ ...TOPIC, partitions: 3 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      const guest = harness.connect({ mayCreate: false });
      opened.push(guest);
      await expect(guest.open({ name: 'raw-other', partitions: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(log.publish('raw-other', 0, text('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(log.publish('raw-lines', 2, text('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('delivers what was published, in order, with its properties and key', async () => {
      const log = await connect();
      const ids = await Promise.all(
        Array.from({ length: 50 }, (_, i) => log.publish('raw-lines', 1, { ...text(String(i)), key: 'k' })),
      );
      const reader = read(await connect(), 1);
      await reader.until(50);
      expect(reader.texts()).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
      const { id, properties, key, publishedMs } = reader.messages[7]!;
      expect({ id: [id.ledgerId, id.entryId], properties, key }).toEqual({
        id: [ids[7]!.ledgerId, ids[7]!.entryId],
        properties: { a: 'ü' },
        key: 'k',
      });
      expect(Math.abs(Date.now() - publishedMs)).toBeLessThan(60_000);
      for (let i = 1; i < 50; i++) expect(compareIds(ids[i - 1]!, ids[i]!)).toBeLessThan(0);
    });

    it('keeps partitions apart', async () => {
      const log = await connect();
      await log.publish('raw-lines', 0, text('zero'));
      await log.publish('raw-lines', 1, text('one'));
      const reader = read(log, 0);
      await reader.until(1);
      await quiet();
      expect(reader.texts()).toEqual(['zero']);
    });

    it('keeps any bytes, none and many', async () => {
      const log = await connect();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const large = new Uint8Array(700_000).map((_, i) => i % 251);
      for (const payload of [all, new Uint8Array(0), large])
        await log.publish('raw-lines', 0, { payload, properties: {} });
      const reader = read(log, 0);
      await reader.until(3);
      expect(reader.messages.map(({ payload }) => Buffer.from(payload).equals(all))).toEqual([true, false, false]);
      expect(reader.messages.map(({ payload }) => payload.length)).toEqual([256, 0, 700_000]);
      expect(Buffer.compare(reader.messages[2]!.payload, large)).toBe(0);
      expect(reader.messages.some(({ isDamaged }) => isDamaged)).toBe(false);
    });

    it('refuses a message that is too large, and goes on', async () => {
      const log = await connect();
      const large = log.publish('raw-lines', 0, { payload: new Uint8Array(6 << 20), properties: {} });
      await expect(large).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await log.publish('raw-lines', 0, text('after'));
      const reader = read(log, 0);
      await reader.until(1);
      expect(reader.texts()).toEqual(['after']);
    });

    it('sends no more than its permits until something is acknowledged', async () => {
      const log = await connect();
      for (let i = 0; i < 9; i++) await log.publish('raw-lines', 0, text(String(i)));
      const reader = read(log, 0, { permits: 3 });
      await reader.until(3);
      await quiet();
      expect(reader.texts()).toEqual(['0', '1', '2']);
      reader.consumer.ack(reader.messages.slice(0, 2));
      await reader.until(5);
      await quiet();
      expect(reader.texts()).toEqual(['0', '1', '2', '3', '4']);
    });

    it('delivers again what was not acknowledged, in order, to whoever takes over', async () => {
      const log = await connect();
      for (let i = 0; i < 6; i++) await log.publish('raw-lines', 0, text(String(i)));
      const first = await connect();
      const reader = read(first, 0);
      await reader.until(6);
      expect(
        await eventually(
          () => first.held('raw-lines', 'sub'),
          (held) => held[0] === true,
        ),
      ).toBe(true);
      const other = await connect();
      const next = read(other, 0);
      await quiet();
      expect(next.texts()).toEqual([]);
      reader.consumer.ack(reader.messages.slice(0, 4));
      await quiet();
      await reader.consumer.close();
      await next.until(2);
      await quiet();
      expect(next.texts()).toEqual(['4', '5']);
      expect(
        await eventually(
          () => other.held('raw-lines', 'sub'),
          (held) => held[0] === true,
        ),
      ).toBe(true);
      expect((await first.held('raw-lines', 'sub'))[0]).toBe(false);
    });

    it('gives each subscription everything', async () => {
      const log = await connect();
      await log.publish('raw-lines', 0, text('a'));
      const readers = [read(log, 0), read(log, 0, { subscription: 'another' })];
      for (const reader of readers) await reader.until(1);
      expect(readers.map((reader) => reader.texts())).toEqual([['a'], ['a']]);
    });

    it('rejects what it could not publish when it is closed', async () => {
      const log = await connect();
      await log.publish('raw-lines', 0, text('a'));
      await log.close();
      await expect(log.publish('raw-lines', 0, text('b'))).rejects.toMatchObject({ code: 'RAW_LOG_UNAVAILABLE' });
    });
  });
}

function text(value: string) {
  return { payload: Buffer.from(value), properties: { a: 'ü' } };
}

function read(log: RawLog, partition: number, options: { permits?: number; subscription?: string } = {}) {
  const messages: ReceivedMessage[] = [];
  const failures: Error[] = [];
  const consumer: RawConsumer = log.consume({
    topic: TOPIC.name,
    partition,
    subscription: options.subscription ?? 'sub',
    permits: options.permits ?? 100,
    onMessage: (message) => messages.push(message),
    onReset: () => undefined,
    onFailed: (error) => failures.push(error),
  });
  return {
    consumer,
    messages,
    failures,
    texts: () => messages.map(({ payload }) => Buffer.from(payload).toString()),
    until: (count: number) => expect.poll(() => messages.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(count),
  };
}

/** Long enough for what should not come to have come. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 600));
}

async function eventually<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<boolean> {
  for (let i = 0; i < 50; i++) {
    if (holds(await ask())) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
