/** A binary heap of (time, slot): the earliest first. Entries may be stale; whoever takes one looks at the row again. */
export class Deadlines {
  private times: number[] = [];
  private slots: number[] = [];

  get size(): number {
    return this.times.length;
  }

  /** Earliest time, Infinity where there is none. */
  get nextMs(): number {
    return this.times[0] ?? Infinity;
  }

  push(timeMs: number, slot: number): void {
    let i = this.times.length;
    this.times.push(timeMs);
    this.slots.push(slot);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.times[parent]! <= timeMs) break;
      this.times[i] = this.times[parent]!;
      this.slots[i] = this.slots[parent]!;
      i = parent;
    }
    this.times[i] = timeMs;
    this.slots[i] = slot;
  }

  /** Takes the earliest entry's slot. */
  pop(): number {
    const slot = this.slots[0]!;
    const lastTime = this.times.pop()!;
    const lastSlot = this.slots.pop()!;
    const size = this.times.length;
    if (size > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= size) break;
        if (child + 1 < size && this.times[child + 1]! < this.times[child]!) child++;
        if (this.times[child]! >= lastTime) break;
        this.times[i] = this.times[child]!;
        this.slots[i] = this.slots[child]!;
        i = child;
      }
      this.times[i] = lastTime;
      this.slots[i] = lastSlot;
    }
    return slot;
  }

  clear(): void {
    this.times = [];
    this.slots = [];
  }
}
