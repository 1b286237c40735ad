/**
 * What waits to be put into a store beside the log. One put after another: who flushes waits as well for what an earlier
 * flush has taken and not put yet. What a put rejects waits for the next one, so each item must be known again by the
 * store, however often it is put.
 */
export class PendingPuts<T> {
  private readonly put: (items: readonly T[]) => Promise<unknown>;
  private items: T[] = [];
  private last: Promise<void> = Promise.resolve();

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
    const put = (): Promise<void> => this.putTaken();
    this.last = this.last.then(put, put);
    return this.last;
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
