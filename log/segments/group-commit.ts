interface Waiting<Item> {
  readonly item: Item;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Lets items that arrive while one flush runs share the next one.
 *
 * `flush` gets what waits, in order, makes a prefix of it durable, at least one item, and says how many. When it
 * fails, everything that waits is rejected with the same reason: nothing that was added after an item that failed is
 * written before the one who added it has heard of the failure, so order survives a retry.
 */
export class GroupCommit<Item> {
  readonly #flush: (items: readonly Item[]) => Promise<number>;
  #waiting: Waiting<Item>[] = [];
  #running: Promise<void> | undefined;

  constructor(flush: (items: readonly Item[]) => Promise<number>) {
    this.#flush = flush;
  }

  /** Resolves when the item is durable. */
  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // What is added in the same turn of the event loop shares the first flush too.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      try {
        const done = await this.#flush(this.#waiting.map((waiting) => waiting.item));
        for (const waiting of this.#waiting.splice(0, done)) waiting.resolve();
      } catch (error) {
        for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
      }
    }
    this.#running = undefined;
  }
}
