import { Serial } from '../model/serial.ts';

/**
 * What waits to be put into a store beside the log. One put after another: who flushes waits as well for what an earlier
 * flush has taken and not put yet. What a put rejects waits for the next one, so each item must be known again by the
 * store, however often it is put.
 */
export class PendingPuts<T> {
  private readonly put: (items: readonly T[]) => Promise<unknown>;
  private items: T[] = [];
  private readonly puts = new Serial();

  constructor(put: (items: readonly T[]) => Promise<unknown>) {
    this.put = put;
  }

  get waiting(): readonly T[] {
    return this.items;
  }

  add(item: T): void {
    this.items.push(item);
  }

  /** Resolves once everything added so far is durable. */
  flush(): Promise<void> {
    return this.puts.run(() => this.putTaken());
  }

  private async putTaken(): Promise<void> {
    const { items } = this;
    if (items.length === 0) return;
    this.items = [];
    try {
      await this.put(items);
    } catch (error) {
      this.items = [...items, ...this.items];
      throw error;
    }
  }
}
