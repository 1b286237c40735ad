import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog, TopicSpec } from '../../log/event-log.ts';

/** What an adapter brings to the contract. */
export interface EventLogHarness {
  /** Opens the log with {@link CONTRACT_TOPICS}; a second call, after close, finds what the first one left. */
  open(): Promise<EventLog>;
  /** Makes the opened log apply retention now to a topic that is over its size. */
  applyRetention(): Promise<void>;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

export const CONTRACT_TOPICS: readonly TopicSpec[] = [
  { name: 'events', partitions: 3 },
  { name: 'short', partitions: 1, retentionBytes: 64 << 10 },
];

const NEVER = new AbortController().signal;

/** What every adapter of {@link EventLog} promises. */
export function describeEventLog(name: string, createHarness: () => Promise<EventLogHarness>): void {
  describe(`${name} keeps the contract of the event log`, () => {
    let harness: EventLogHarness;
    let log: EventLog;

    beforeEach(async () => {
      harness = await createHarness();
      log = await harness.open();
    });

    afterEach(async () => {
      await log.close();
      await harness.remove();
    });

    async function reopen(): Promise<void> {
      await log.close();
      log = await harness.open();
    }

    it('knows how many partitions a topic has', () => {
      expect(log.partitions('events')).toBe(3);
      expect(log.partitions('short')).toBe(1);
    });

    it('refuses a topic and a partition that it does not have', async () => {
      expect(() => log.partitions('nothing')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
      await expect(log.append('events', 3, texts('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('numbers records from 0 without gaps, in each partition by itself', async () => {
      expect(await log.append('events', 0, texts('a', 'b'))).toBe(0);
      expect(await log.append('events', 1, texts('c'))).toBe(0);
      expect(await log.append('events', 0, texts('d'))).toBe(2);
      expect(await readAll(log, 'events', 0)).toEqual(['0 a', '1 b', '2 d']);
      expect(await readAll(log, 'events', 1)).toEqual(['0 c']);
    });

    it('keeps the order of appends that were not awaited', async () => {
      const appends = Array.from({ length: 200 }, (_, index) => log.append('events', 0, texts(String(index))));
      expect(await Promise.all(appends)).toEqual(appends.map((_, index) => index));
      expect(await readAll(log, 'events', 0)).toEqual(appends.map((_, index) => `${String(index)} ${String(index)}`));
    });

    it('gives back empty records and records of any bytes as they were', async () => {
      const records = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, byte) => byte), new Uint8Array(300_000)];
      await log.append('events', 0, records);
      const entries = await log.read('events', 0, 0, { maxBytes: 1 << 20 });
      expect(
        entries.map((entry) => Buffer.from(entry.data).equals(records[entry.offset] ?? texts('none')[0]!)),
      ).toEqual([true, true, true]);
    });

    it('takes an append of no records as one that is done', async () => {
      await log.append('events', 0, texts('a'));
      expect(await log.append('events', 0, [])).toBe(1);
      expect(log.bounds('events', 0)).toEqual({ earliest: 0, end: 1 });
    });

    it('reads about as much as asked, and at least one record', async () => {
      await log.append(
        'events',
        0,
        Array.from({ length: 10 }, () => new Uint8Array(1000)),
      );
      expect(await log.read('events', 0, 0, { maxBytes: 1 })).toHaveLength(1);
      const some = await log.read('events', 0, 4, { maxBytes: 3500 });
      expect(some.length).toBeGreaterThanOrEqual(1);
      expect(some.length).toBeLessThanOrEqual(6);
      expect(some[0]?.offset).toBe(4);
    });

    it('reads nothing at the end', async () => {
      expect(await log.read('events', 0, 0, { maxBytes: 100 })).toEqual([]);
      await log.append('events', 0, texts('a'));
      expect(await log.read('events', 0, 1, { maxBytes: 100 })).toEqual([]);
    });

    it('has everything it acknowledged after it was closed and opened again', async () => {
      await log.append('events', 2, texts('a', 'b'));
      await reopen();
      expect(await readAll(log, 'events', 2)).toEqual(['0 a', '1 b']);
      expect(await log.append('events', 2, texts('c'))).toBe(2);
      await reopen();
      expect(await readAll(log, 'events', 2)).toEqual(['0 a', '1 b', '2 c']);
    });

    it('remembers the last position of each group, topic and partition, also after it was opened again', async () => {
      expect(await log.committed('sink', 'events', 0)).toBeUndefined();
      await log.append('events', 0, texts('a', 'b'));
      await log.commit('sink', 'events', 0, { offset: 1, metadata: 'to 2' });
      await log.commit('stream', 'events', 0, { offset: 2, metadata: '' });
      await log.commit('sink', 'events', 1, { offset: 0, metadata: 'ü' });
      await log.commit('sink', 'events', 0, { offset: 2, metadata: 'to 3' });
      for (const again of [false, true]) {
        if (again) await reopen();
        expect(await log.committed('sink', 'events', 0)).toEqual({ offset: 2, metadata: 'to 3' });
        expect(await log.committed('stream', 'events', 0)).toEqual({ offset: 2, metadata: '' });
        expect(await log.committed('sink', 'events', 1)).toEqual({ offset: 0, metadata: 'ü' });
        expect(await log.committed('sink', 'short', 0)).toBeUndefined();
      }
    });

    it('lets a group go back', async () => {
      await log.append('events', 0, texts('a', 'b'));
      await log.commit('sink', 'events', 0, { offset: 2, metadata: '' });
      await log.commit('sink', 'events', 0, { offset: 0, metadata: '' });
      expect(await log.committed('sink', 'events', 0)).toEqual({ offset: 0, metadata: '' });
    });

    it('wakes a reader when its record is there, and not by one of another partition', async () => {
      let woken = false;
      const waiting = log.wait('events', 0, 1, NEVER).then(() => (woken = true));
      await log.append('events', 1, texts('x', 'y'));
      await log.append('events', 0, texts('a'));
      expect(woken).toBe(false);
      await log.append('events', 0, texts('b'));
      await waiting;
      expect(await readAll(log, 'events', 0)).toEqual(['0 a', '1 b']);
    });

    it('does not make a reader wait for what is there', async () => {
      await log.append('events', 0, texts('a'));
      await expect(log.wait('events', 0, 0, NEVER)).resolves.toBeUndefined();
    });

    it('stops waiting when the signal aborts', async () => {
      const controller = new AbortController();
      const waiting = log.wait('events', 0, 0, controller.signal);
      controller.abort();
      await expect(waiting).resolves.toBeUndefined();
      await expect(log.wait('events', 0, 0, controller.signal)).resolves.toBeUndefined();
    });

    it('drops old records by size, keeps the offsets of the rest, and says LOG_RANGE for those dropped', async () => {
      const total = 64;
      for (let index = 0; index < total; index++) {
        await log.append('short', 0, [new Uint8Array(8 << 10).fill(index)]);
      }
      await harness.applyRetention();
      const { earliest, end } = log.bounds('short', 0);
      expect(end).toBe(total);
      expect(earliest).toBeGreaterThan(0);
      expect(earliest).toBeLessThan(total);
      await expect(log.read('short', 0, 0, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LOG_RANGE' });
      const [first] = await log.read('short', 0, earliest, { maxBytes: 100 });
      expect([first?.offset, first?.data[0]]).toEqual([earliest, earliest]);
      await reopen();
      expect(log.bounds('short', 0)).toEqual({ earliest, end });
    });
  });
}

function texts(...values: string[]): Uint8Array[] {
  return values.map((value) => Buffer.from(value));
}

/** Every record from the earliest on, as `offset text`. */
export async function readAll(log: EventLog, topic: string, partition: number): Promise<string[]> {
  const { earliest, end } = log.bounds(topic, partition);
  const seen: string[] = [];
  for (let offset = earliest; offset < end;) {
    const entries = await log.read(topic, partition, offset, { maxBytes: 4096 });
    for (const entry of entries) seen.push(`${String(entry.offset)} ${Buffer.from(entry.data).toString()}`);
    offset = (entries.at(-1)?.offset ?? end) + 1;
  }
  return seen;
}
