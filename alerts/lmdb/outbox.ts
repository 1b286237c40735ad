import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import type { Delivery, Outbox } from '../outbox.ts';

/** The outbox in LMDB: one file, `outbox.mdb`, in `dir`, which is made if it is missing. */
export function openLmdbOutbox(options: { readonly dir: string }): Outbox {
  mkdirSync(options.dir, { recursive: true });
  return new LmdbOutbox(
    open<Delivery, number>({
      path: join(options.dir, 'outbox.mdb'),
      noSubdir: true,
      encoding: 'json',
      overlappingSync: false,
    }),
  );
}

class LmdbOutbox implements Outbox {
  readonly #deliveries: Database<Delivery, number>;

  constructor(deliveries: Database<Delivery, number>) {
    this.#deliveries = deliveries;
  }

  async put(deliveries: readonly Delivery[]): Promise<void> {
    await this.#deliveries.batch(() => {
      for (const delivery of deliveries) void this.#deliveries.put(delivery.sequence, delivery);
    });
  }

  async remove(sequence: number): Promise<void> {
    await this.#deliveries.remove(sequence);
  }

  async pending(): Promise<Delivery[]> {
    return [...this.#deliveries.getRange({})].map(({ value }) => value);
  }

  close(): Promise<void> {
    return this.#deliveries.close();
  }
}
