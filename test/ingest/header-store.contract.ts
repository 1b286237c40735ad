import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HeaderStore, StoredHeader } from '../../ingest/header-store.ts';

/** What an adapter brings to the contract. */
export interface HeaderStoreHarness {
  /** Opens the store; a second call, after close, finds what the first one left. */
  open(): Promise<HeaderStore & { close(): Promise<void> }>;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

export function header(position: number, given: Partial<StoredHeader> = {}): StoredHeader {
  return { source: 'conn.log#1', position, format: 'zeek-tsv', state: `{"at":${position}}`, ...given };
}

/** What every adapter of {@link HeaderStore} promises. */
export function describeHeaderStore(name: string, createHarness: () => Promise<HeaderStoreHarness>): void {
  describe(`headers of sources in ${name}`, () => {
    let harness: HeaderStoreHarness;
    let store: Awaited<ReturnType<HeaderStoreHarness['open']>>;
    beforeEach(async () => {
      harness = await createHarness();
      store = await harness.open();
    });
    afterEach(async () => {
      await store.close();
      await harness.remove();
    });

    it('come back by source, positions rising, after opening again', async () => {
      const positions = [70, 3, 2 ** 52, 0, 700];
      await store.put(positions.map((position) => header(position)));
      await store.put([header(5, { source: 'other' })]);
      await store.put([]);
      await store.close();
      store = await harness.open();
      expect(await store.of('conn.log#1')).toEqual([0, 3, 70, 700, 2 ** 52].map((position) => header(position)));
      expect(await store.of('other')).toEqual([header(5, { source: 'other' })]);
      expect(await store.of('conn.log')).toEqual([]);
    });

    it('are replaced by what is put at the same source and position', async () => {
      await store.put([header(1), header(2)]);
      await store.put([header(2, { format: 'readings-csv', state: 'new' })]);
      expect(await store.of('conn.log#1')).toEqual([header(1), header(2, { format: 'readings-csv', state: 'new' })]);
    });

    it('hold any text, and many of one source', async () => {
      const big = header(1, { source: 'ü/"x"#1', state: `${'x'.repeat(100_000)}ü\u0000` });
      await store.put([big]);
      expect(await store.of('ü/"x"#1')).toEqual([big]);
      const many = Array.from({ length: 6000 }, (_, position) => header(position, { source: 'many' }));
      await store.put(many);
      expect(await store.of('many')).toEqual(many);
    });

    it('tell sources with long names apart', async () => {
      const names = ['a', 'b'].map((end) => `${end}${'/folder'.repeat(60)}`);
      await store.put(names.map((source, position) => header(position, { source })));
      for (const [position, source] of names.entries())
        expect(await store.of(source)).toEqual([header(position, { source })]);
    });
  });
}
