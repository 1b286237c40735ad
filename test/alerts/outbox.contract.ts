import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, Outbox } from '../../alerts/outbox.ts';

/** What an adapter brings to the contract. */
export interface OutboxHarness {
  /** Opens the outbox; a second call, after close, finds what the first one left. */
  open(): Outbox;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

/** What every adapter of {@link Outbox} promises. */
export function describeOutbox(name: string, createHarness: () => Promise<OutboxHarness>): void {
  describe(`${name} keeps the contract of the outbox`, () => {
    let harness: OutboxHarness;
    let outbox: Outbox;
    beforeEach(async () => {
      harness = await createHarness();
      outbox = harness.open();
    });
    afterEach(async () => {
      await outbox.close();
      await harness.remove();
    });

    async function reopen(): Promise<void> {
      await outbox.close();
      outbox = harness.open();
    }

    const delivery = (sequence: number, body = '{"ü":1}'): Delivery => ({
      id: `a.${sequence}.create`, sequence, alertUid: 'a', createdMs: 5, attempts: 0, notBeforeMs: 5, body,
    }); // prettier-ignore

    const sequences = async (): Promise<number[]> => (await outbox.pending()).map(({ sequence }) => sequence);

    it('gives what was put and not removed, in order, after it was opened again', async () => {
      expect(await outbox.pending()).toEqual([]);
      await outbox.put([10, 2, 300, 1].map((sequence) => delivery(sequence)));
      await outbox.put([{ ...delivery(10), attempts: 3 }]);
      await outbox.remove(2);
      await outbox.remove(99);
      await reopen();
      expect(await outbox.pending()).toEqual([delivery(1), { ...delivery(10), attempts: 3 }, delivery(300)]);
    });

    it('keeps a body byte for byte, large ones too', async () => {
      const body = `${'x'.repeat(200_000)} \u0000 "ä" \ud83d\ude00`;
      await outbox.put([delivery(1, body), delivery(2, '')]);
      await reopen();
      expect((await outbox.pending()).map((one) => one.body)).toEqual([body, '']);
    });

    it('finds what is pending among thousands that were sent, and sequences that begin anew', async () => {
      for (let first = 1; first <= 1200; first += 100) {
        const some = Array.from({ length: 100 }, (_, i) => first + i);
        await outbox.put(some.map((sequence) => delivery(sequence)));
        if (first === 1) await outbox.pending();
        await Promise.all(some.filter((sequence) => sequence !== 350).map((sequence) => outbox.remove(sequence)));
      }
      await reopen();
      expect(await sequences()).toEqual([350]);
      await outbox.remove(350);
      for (let sequence = 1201; sequence < 1600; sequence++) {
        await outbox.put([delivery(sequence)]);
        await outbox.remove(sequence);
      }
      await reopen();
      expect(await sequences()).toEqual([]);
      await outbox.put([delivery(1), delivery(2)]);
      await reopen();
      expect(await sequences()).toEqual([1, 2]);
    });
  });
}
