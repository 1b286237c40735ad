import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter, DeadLetterStore } from '../../ingest/dead-letter.ts';

/** What an adapter brings to the contract. */
export interface DeadLetterHarness {
  /** Opens the store; a second call, after close, finds what the first one left. */
  open(options: { maxLetterBytes: number; onDropped: (letters: number) => void }): Promise<DeadLetterStore>;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

export function letter(position: number, changes: Partial<DeadLetter> = {}): Omit<DeadLetter, 'id'> {
  return {
    source: 'a#1', position, format: 'zeek-json', reason: 'not_json', receivedMs: 1, bytes: Buffer.from(`line ${position}`),
    sizeBytes: 6, ...changes,
  }; // prettier-ignore
}

/** What every adapter of {@link DeadLetterStore} promises. */
export function describeDeadLetterStore(name: string, createHarness: () => Promise<DeadLetterHarness>): void {
  describe(`dead letters in ${name}`, () => {
    let harness: DeadLetterHarness;
    let store: DeadLetterStore;
    let dropped = 0;
    const open = async (maxLetterBytes = 1 << 20): Promise<void> => {
      store = await harness.open({ maxLetterBytes, onDropped: (letters) => (dropped += letters) });
    };
    const positions = async (filter: object = {}): Promise<number[]> =>
      (await store.list(filter, { limit: 1000 })).letters.map(({ position }) => position);

    beforeEach(async () => {
      harness = await createHarness();
      dropped = 0;
      await open();
    });
    afterEach(async () => {
      await store.close();
      await harness.remove();
    });

    it('come back as they were put', async () => {
      const odd = letter(2 ** 40, {
        source: 'topic/ü "x"', bytes: Buffer.from([0, 255, 10, 13]), sizeBytes: 1 << 30, decoderState: '#fields\u0000a',
      }); // prettier-ignore
      await store.put([odd, letter(1, { bytes: Buffer.alloc(65_536, 1) })]);
      const { letters } = await store.list({}, { limit: 10 });
      expect(letters.map(({ position }) => position)).toEqual([1, 2 ** 40]);
      const found = await store.get(letters[1]!.id);
      expect({ ...found, bytes: Buffer.from(found!.bytes) }).toEqual({ ...odd, id: letters[1]!.id });
      expect(Buffer.from(letters[1]!.bytes)).toEqual(odd.bytes);
      expect(await store.get(letters[0]!.id + 1000)).toBeUndefined();
    });

    it('are listed newest first, by pages that meet without a gap, and by filter', async () => {
      await store.put(Array.from({ length: 7 }, (_, i) => letter(i, i % 2 ? { reason: 'bad_time', source: 'b' } : {})));
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({}, { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.letters.map(({ position }) => position));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
      expect(await positions({ reason: 'bad_time' })).toEqual([5, 3, 1]);
      expect(await positions({ source: 'a#1', format: 'zeek-json' })).toEqual([6, 4, 2, 0]);
      const exact = await store.list({ reason: 'bad_time' }, { limit: 3 });
      expect([exact.letters.length, exact.next]).toEqual([3, undefined]);
      await expect(store.list({}, { limit: 1, cursor: 'x' })).rejects.toThrow(/cursor/);
    });

    it('of the same source and position are one, in one batch or in two', async () => {
      await store.put([letter(1), letter(1), letter(2)]);
      await store.put([letter(1, { reason: 'bad_time', bytes: Buffer.from('again') })]);
      expect((await positions()).sort()).toEqual([1, 2]);
      expect(await store.counts()).toEqual({ not_json: 1, bad_time: 1 });
      const [again] = (await store.list({ reason: 'bad_time' }, { limit: 9 })).letters;
      expect(Buffer.from(again!.bytes).toString()).toBe('again');
    });

    it('keep under their limit by dropping the oldest, and say how many', async () => {
      await store.close();
      await open(10_000);
      for (let i = 0; i < 50; i++) await store.put([letter(i, { bytes: Buffer.alloc(500) })]);
      const kept = await positions();
      expect(kept[0]).toBe(49);
      expect(kept.length).toBeLessThanOrEqual(20);
      expect(kept.length).toBeGreaterThanOrEqual(10);
      expect(dropped).toBe(50 - kept.length);
      expect(await store.counts()).toEqual({ not_json: kept.length });
      // What was dropped may come again.
      await store.put([letter(0)]);
      expect((await positions())[0]).toBe(0);
    });

    it('have a limit for short ones too', async () => {
      await store.close();
      await open(100_000);
      await store.put(Array.from({ length: 5_000 }, (_, i) => letter(i, { bytes: Buffer.from('x') })));
      const kept = await positions();
      expect(kept[0]).toBe(4_999);
      expect(kept.length).toBeLessThan(500);
      expect(dropped).toBe(5_000 - kept.length);
    });

    it('are all there where several are put at once', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => store.put([letter(i * 2), letter(i * 2 + 1)])));
      const { letters } = await store.list({}, { limit: 100 });
      expect(letters.map(({ position }) => position).sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
      expect(new Set(letters.map(({ id }) => id)).size).toBe(40);
    });

    it('are there after opening again, with their counts, and ids go on', async () => {
      await store.put([letter(1), letter(2, { reason: 'bad_time' })]);
      const [last] = (await store.list({}, { limit: 1 })).letters;
      await store.markReplayed([last!.id, last!.id + 1000], 5);
      await store.close();
      await open();
      expect(await store.counts()).toEqual({ not_json: 1, bad_time: 1 });
      expect(await positions({ pending: true })).toEqual([1]);
      expect((await store.get(last!.id))?.replayedMs).toBe(5);
      await store.put([letter(3)]);
      expect((await store.list({}, { limit: 1 })).letters[0]!.id).toBeGreaterThan(last!.id);
    });
  });
}
