import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GroupPartition, PositionStore } from '../../log/position-store.ts';

/** What an adapter brings to the contract. */
export interface PositionStoreHarness {
  /** A store of its own over the same positions, as another process has it. */
  open(): PositionStore;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

/** What every adapter of {@link PositionStore} promises. */
export function describePositionStore(name: string, createHarness: () => Promise<PositionStoreHarness>): void {
  describe(`${name} keeps the contract of the position store`, () => {
    let harness: PositionStoreHarness;
    let place: GroupPartition;
    let cases = 0;
    beforeAll(async () => {
      harness = await createHarness();
    });
    afterAll(() => harness.remove());
    beforeEach(() => {
      place = { group: 'sink', topic: `topic-${++cases}`, partition: 3 };
    });

    it('gives no position where nothing was committed, before and after a claim', async () => {
      const store = harness.open();
      expect(await store.committed(place)).toBeUndefined();
      expect(await store.claim(place)).toEqual({ epoch: 1 });
      expect(await store.committed(place)).toBeUndefined();
    });

    it('goes on where the last holder committed', async () => {
      const first = harness.open();
      const { epoch } = await first.claim(place);
      await first.commit(place, epoch, { offset: 10, metadata: '' });
      await first.commit(place, epoch, { offset: 20, metadata: 'intent: ü' });
      const claim = await harness.open().claim(place);
      expect(claim.position).toEqual({ offset: 20, metadata: 'intent: ü' });
      expect(claim.epoch).toBeGreaterThan(epoch);
      expect(await harness.open().committed(place)).toEqual({ offset: 20, metadata: 'intent: ü' });
    });

    it('tells groups, topics and partitions apart', async () => {
      const store = harness.open();
      const places = [place, { ...place, group: 'stream' }, { ...place, topic: `${place.topic}x` }, { ...place, partition: 4 }]; // prettier-ignore
      for (const [offset, one] of places.entries())
        await store.commit(one, (await store.claim(one)).epoch, { offset, metadata: String(offset) });
      for (const [offset, one] of places.entries())
        expect(await store.committed(one)).toEqual({ offset, metadata: String(offset) });
    });

    it('refuses an earlier holder, in another process and in the same', async () => {
      const [first, second] = [harness.open(), harness.open()];
      const old = await first.claim(place);
      const newer = await second.claim(place);
      await expect(first.commit(place, old.epoch, { offset: 99, metadata: '' })).rejects.toMatchObject({
        code: 'LOCKED',
      });
      await second.commit(place, newer.epoch, { offset: 5, metadata: 'kept' });
      const newest = await second.claim(place);
      await expect(second.commit(place, newer.epoch, { offset: 98, metadata: '' })).rejects.toMatchObject({
        code: 'LOCKED',
      });
      expect(newest.position).toEqual({ offset: 5, metadata: 'kept' });
      expect(await first.committed(place)).toEqual({ offset: 5, metadata: 'kept' });
    });

    it('lets exactly one of holders that race go on', async () => {
      const stores = Array.from({ length: 5 }, () => harness.open());
      const claims = await Promise.all(stores.map((store) => store.claim(place)));
      expect(new Set(claims.map(({ epoch }) => epoch)).size).toBe(5);
      const commits = await Promise.allSettled(
        stores.map((store, i) => store.commit(place, claims[i]!.epoch, { offset: i, metadata: '' })),
      );
      const winners = commits.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(claims[winners[0]!]!.epoch).toBe(Math.max(...claims.map(({ epoch }) => epoch)));
      expect(await harness.open().committed(place)).toEqual({ offset: winners[0], metadata: '' });
    });

    it('takes the commits of a holder in order, also where nobody waits for them', async () => {
      const store = harness.open();
      const { epoch } = await store.claim(place);
      await Promise.all(
        Array.from({ length: 30 }, (_, offset) => store.commit(place, epoch, { offset, metadata: String(offset) })),
      );
      expect(await store.committed(place)).toEqual({ offset: 29, metadata: '29' });
    });

    it('keeps a note of a megabyte', async () => {
      const store = harness.open();
      const { epoch } = await store.claim(place);
      const metadata = 'x'.repeat(1 << 20);
      await store.commit(place, epoch, { offset: 2 ** 52, metadata });
      expect(await store.committed(place)).toEqual({ offset: 2 ** 52, metadata });
    });
  });
}
