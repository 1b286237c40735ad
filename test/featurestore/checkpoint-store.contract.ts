import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointStore } from '../../featurestore/checkpoint-store.ts';

/** What an adapter brings to the contract. */
export interface CheckpointStoreHarness {
  /** The store as a process that was just started has it. */
  open(onWarning?: (message: string) => void): Promise<CheckpointStore>;
  /** Makes the newest checkpoint of a key unreadable, in one of the ways that the storage knows. */
  damageNewest(key: string): Promise<void>;
  /** The same for all of a key's checkpoints. */
  damageAll(key: string): Promise<void>;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

/** What every adapter of {@link CheckpointStore} promises. */
export function describeCheckpointStore(name: string, createHarness: () => Promise<CheckpointStoreHarness>): void {
  describe(`${name} keeps the contract of the checkpoint store`, () => {
    let harness: CheckpointStoreHarness;
    const warnings: string[] = [];

    beforeEach(async () => {
      harness = await createHarness();
      warnings.length = 0;
    });
    afterEach(() => harness.remove());

    const open = () => harness.open((message) => void warnings.push(message));

    async function write(key: string, version: number, store?: CheckpointStore): Promise<void> {
      const writer = await (store ?? (await open())).begin(key);
      await writer.write('pages', Buffer.alloc(300, version));
      await writer.write('empty', new Uint8Array(0));
      await writer.write('pages', Buffer.from('ä'.repeat(version)));
      await writer.commit({ version });
    }

    async function read(key: string, store?: CheckpointStore): Promise<unknown> {
      const found = await (store ?? (await open())).load(key);
      if (!found) return undefined;
      const parts: [string, number, number | undefined][] = [];
      for await (const { name: part, bytes } of found.parts) parts.push([part, bytes.length, bytes[0]]);
      return { ...(found.meta as object), parts };
    }

    const whole = (version: number) => ({
      version,
      parts: [['pages', 300, version], ['empty', 0, undefined], ['pages', 2 * version, 0xc3]],
    }); // prettier-ignore

    it('gives back the newest, part for part, by key', async () => {
      expect(await read('a')).toBeUndefined();
      await write('a', 1);
      await write('a', 2);
      await write('b', 7);
      expect([await read('a'), await read('b')]).toEqual([whole(2), whole(7)]);
    });

    it('gives back what a holder wrote last, one after the other', async () => {
      const store = await open();
      expect(await read('a', store)).toBeUndefined();
      for (let version = 1; version <= 5; version++) {
        await write('a', version, store);
        if (version % 2 === 0) expect(await read('a', store)).toEqual(whole(version));
      }
      expect(await read('a')).toEqual(whole(5));
    });

    it('gives back any meta, and parts from nothing to megabytes', async () => {
      const meta = { text: 'ä\u0000"', list: [1, null, { deep: [] }], big: 'x'.repeat(2 << 20) };
      const sizes = [0, 1, 7, 4096, 65_536, 262_144, 262_145, 3_000_001];
      const bytesOf = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919) >>> (i & 7)));
      const writer = await (await open()).begin('a');
      for (const size of sizes) await writer.write(`table 0 ${size}`, bytesOf(size));
      const { sizeBytes } = await writer.commit(meta);
      expect(sizeBytes).toBeGreaterThan(0);
      const found = await (await open()).load('a');
      expect(found!.meta).toEqual(meta);
      const seen: string[] = [];
      for await (const { name: part, bytes } of found!.parts) {
        seen.push(part);
        expect(Buffer.compare(bytes, bytesOf(Number(part.split(' ')[2]))), part).toBe(0);
      }
      expect(seen).toEqual(sizes.map((size) => `table 0 ${size}`));
    });

    it('gives back each page as it was at its checkpoint, where some change, come and go', async () => {
      // Pages by number; those that stay the same must come back as surely as those that change.
      let pages = new Map(Array.from({ length: 120 }, (_, page) => [page, 1]));
      const bytesOf = (page: number, version: number) =>
        Buffer.alloc(page % 3 === 0 ? 65_536 : 4_096, `${page}/${version} `);
      const store = await open();
      await store.load('a');
      for (let round = 1; round <= 8; round++) {
        const writer = await store.begin('a');
        for (const [page, version] of pages) await writer.write(`table ${page} hosts`, bytesOf(page, version));
        await writer.commit({ round });
        const expected = [...pages];
        if (round % 3 === 0) {
          const found = await (round === 6 ? store : await open()).load('a');
          expect(found!.meta).toEqual({ round });
          const seen: number[] = [];
          for await (const { name: part, bytes } of found!.parts) {
            const [page, version] = expected[seen.length]!;
            expect(part).toBe(`table ${page} hosts`);
            expect(Buffer.compare(bytes, bytesOf(page, version)), `${part} in round ${round}`).toBe(0);
            seen.push(page);
          }
          expect(seen).toHaveLength(expected.length);
          // Another holder has loaded it since.
          if (round === 3) await store.load('a');
        }
        pages = new Map([...pages].map(([page, version]) => [page, page % 8 === round ? version + 1 : version]));
        pages.delete(round * 11);
        pages.set(1000 + round, 1);
      }
    });

    it('takes the bytes before it first waits', async () => {
      const writer = await (await open()).begin('a');
      for (const size of [100, 65_536, 1 << 20]) {
        const bytes = new Uint8Array(size).fill(1);
        const written = writer.write(`part ${size}`, bytes);
        bytes.fill(2);
        await written;
      }
      await writer.commit({});
      for await (const { bytes } of (await (await open()).load('a'))!.parts)
        expect(bytes.every((byte) => byte === 1)).toBe(true);
    });

    it('falls back to the one before where the newest is damaged, says so, and goes on from there', async () => {
      await write('a', 1);
      await write('a', 2);
      await harness.damageNewest('a');
      const store = await open();
      expect(await read('a', store)).toEqual(whole(1));
      expect(warnings[0]).toMatch(/passed over/);
      await write('a', 3, store);
      expect(await read('a')).toEqual(whole(3));
    });

    it('refuses to start from nothing where something was there, and says what to do', async () => {
      await write('a', 1);
      await write('a', 2);
      await harness.damageAll('a');
      await expect(read('a')).rejects.toMatchObject({
        code: 'CHECKPOINT_CORRUPT',
        message: expect.stringMatching(/to start from the log's beginning/),
      });
    });

    it('shows nothing of one that was given up, or of one that was never committed', async () => {
      await write('a', 1);
      const store = await open();
      const writer = await store.begin('a');
      await writer.write('pages', Buffer.alloc(10));
      await writer.abort();
      expect(await read('a', store)).toEqual(whole(1));
      const unfinished = await (await open()).begin('a');
      await unfinished.write('pages', Buffer.alloc(10));
      expect(await read('a')).toEqual(whole(1));
      await unfinished.abort();
      expect(await read('a')).toEqual(whole(1));
    });
  });
}
