import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceStateStore } from '../../ingest/source-state.ts';

/** What an adapter brings to the contract. */
export interface SourceStateHarness {
  /** Opens the store; a second call, after close, finds what the first one left. */
  open(): Promise<SourceStateStore>;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

/** What every adapter of {@link SourceStateStore} promises. */
export function describeSourceStateStore(name: string, createHarness: () => Promise<SourceStateHarness>): void {
  describe(`states of sources in ${name}`, () => {
    let harness: SourceStateHarness;
    let store: SourceStateStore;
    beforeEach(async () => {
      harness = await createHarness();
      store = await harness.open();
    });
    afterEach(async () => {
      await store.close();
      await harness.remove();
    });

    it('are the last that were saved, by name, after opening again', async () => {
      const big = `${'x'.repeat(100_000)}ü\u0000`;
      await store.save([
        { name: 'a', state: '1' },
        { name: 'b/ü "x"', state: big },
      ]);
      await store.save([
        { name: 'a', state: '2' },
        { name: 'a', state: '3' },
      ]);
      await store.save([]);
      await store.close();
      store = await harness.open();
      expect([await store.load('a'), await store.load('b/ü "x"')]).toEqual(['3', big]);
      expect(await store.load('c')).toBeUndefined();
    });
  });
}
