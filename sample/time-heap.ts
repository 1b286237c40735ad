/** Items by rising time; of equal times in no particular, but always the same, order. */
export class TimeHeap<T> {
  readonly #times: number[] = [];
  readonly #items: T[] = [];

  /** Time of the first item, Infinity when empty. */
  get firstTime(): number {
    return this.#times[0] ?? Infinity;
  }

  push(time: number, item: T): void {
    const times = this.#times;
    const items = this.#items;
    let index = times.length;
    times.push(time);
    items.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const parentTime = times[parent]!;
      if (parentTime <= time) break;
      times[index] = parentTime;
      items[index] = items[parent] as T;
      index = parent;
    }
    times[index] = time;
    items[index] = item;
  }

  /** Takes the first item; undefined when empty. */
  pop(): T | undefined {
    const times = this.#times;
    const items = this.#items;
    const first = items[0];
    const lastTime = times.pop();
    const last = items.pop();
    if (lastTime === undefined || last === undefined || times.length === 0) return first;
    const size = times.length;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && times[child + 1]! < times[child]!) child++;
      const childTime = times[child]!;
      if (childTime >= lastTime) break;
      times[index] = childTime;
      items[index] = items[child] as T;
      index = child;
    }
    times[index] = lastTime;
    items[index] = last;
    return first;
  }
}
