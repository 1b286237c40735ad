import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../../ingest/dead-letter.ts';
import { openIngestStores } from '../../../ingest/lmdb/index.ts';

type Stores = Awaited<ReturnType<typeof openIngestStores>>;

function letter(position: number, changes: Partial<DeadLetter> = {}): Omit<DeadLetter, 'id'> {
  return {
    source: 'a#1', position, format: 'zeek-json', reason: 'not_json', receivedMs: 1, bytes: Buffer.from(`line ${position}`),
    sizeBytes: 6, ...changes,
  }; // prettier-ignore
}

describe('dead letters in LMDB', () => {
  let dir: string;
  let stores: Stores;
  let dropped = 0;
  const open = async (maxLetterBytes = 1 << 20): Promise<void> => {
    stores = await openIngestStores({ dir, maxLetterBytes, onDropped: (letters) => (dropped += letters) });
  };
  const positions = async (filter: object = {}): Promise<number[]> =>
    (await stores.deadLetters.list(filter, { limit: 1000 })).letters.map(({ position }) => position);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vedette-letters-'));
    dropped = 0;
    await open();
  });
  afterEach(async () => {
    await stores.close();
    await rm(dir, { recursive: true });
  });

  it('are listed newest first, by pages that meet without a gap, and by filter', async () => {
    await stores.deadLetters.put(
      Array.from({ length: 7 }, (_, i) => letter(i, i % 2 ? { reason: 'bad_time', source: 'b' } : {})),
    );
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await stores.deadLetters.list({}, { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.letters.map(({ position }) => position));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(await positions({ reason: 'bad_time' })).toEqual([5, 3, 1]);
    expect(await positions({ source: 'a#1', format: 'zeek-json' })).toEqual([6, 4, 2, 0]);
    const exact = await stores.deadLetters.list({ reason: 'bad_time' }, { limit: 3 });
    expect([exact.letters.length, exact.next]).toEqual([3, undefined]);
    await expect(stores.deadLetters.list({}, { limit: 1, cursor: 'x' })).rejects.toThrow(/cursor/);
  });

  it('of the same source and position are one, in one batch or in two', async () => {
    await stores.deadLetters.put([letter(1), letter(1), letter(2)]);
    await stores.deadLetters.put([letter(1, { reason: 'bad_time', bytes: Buffer.from('again') })]);
    expect((await positions()).sort()).toEqual([1, 2]);
    expect(await stores.deadLetters.counts()).toEqual({ not_json: 1, bad_time: 1 });
    const [again] = (await stores.deadLetters.list({ reason: 'bad_time' }, { limit: 9 })).letters;
    expect(Buffer.from(again!.bytes).toString()).toBe('again');
  });

  it('keep under their limit by dropping the oldest, and say how many', async () => {
    await stores.close();
    await open(10_000);
    for (let i = 0; i < 50; i++) await stores.deadLetters.put([letter(i, { bytes: Buffer.alloc(500) })]);
    const kept = await positions();
    expect(kept[0]).toBe(49);
    expect(kept.length).toBeLessThanOrEqual(20);
    expect(dropped).toBe(50 - kept.length);
    expect(await stores.deadLetters.counts()).toEqual({ not_json: kept.length });
    // What was dropped may come again.
    await stores.deadLetters.put([letter(0)]);
    expect((await positions())[0]).toBe(0);
  });

  it('have a limit for short ones too', async () => {
    await stores.close();
    await open(100_000);
    await stores.deadLetters.put(Array.from({ length: 5_000 }, (_, i) => letter(i, { bytes: Buffer.from('x') })));
    expect((await positions()).length).toBeLessThan(500);
  });

  it('are there after opening again, with their counts, and ids go on', async () => {
    await stores.deadLetters.put([letter(1), letter(2, { reason: 'bad_time' })]);
    const [last] = (await stores.deadLetters.list({}, { limit: 1 })).letters;
    await stores.deadLetters.markReplayed([last!.id], 5);
    await stores.close();
    await open();
    expect(await stores.deadLetters.counts()).toEqual({ not_json: 1, bad_time: 1 });
    expect(await positions({ pending: true })).toEqual([1]);
    expect((await stores.deadLetters.get(last!.id))?.replayedMs).toBe(5);
    await stores.deadLetters.put([letter(3)]);
    expect((await stores.deadLetters.list({}, { limit: 1 })).letters[0]!.id).toBeGreaterThan(last!.id);
  });

  it('stand beside the states of sources', async () => {
    await stores.sourceStates.save([{ name: 'a', state: '1' }, { name: 'b', state: '2' }]); // prettier-ignore
    await stores.sourceStates.save([{ name: 'a', state: '3' }]);
    expect([await stores.sourceStates.load('a'), await stores.sourceStates.load('b')]).toEqual(['3', '2']);
    expect(await stores.sourceStates.load('c')).toBeUndefined();
  });
});
