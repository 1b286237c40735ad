/** Lets work through one after the other: for what needs much memory while it lasts. */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** Whether work that is handed in now begins at once. */
  get isFree(): boolean {
    return this.waiting === 0;
  }

  /** Begins the work at once where nothing else is under way, else behind it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const begun = this.isFree ? work() : this.last.then(work);
    this.waiting++;
    const over = (): void => {
      this.waiting--;
    };
    this.last = begun.then(over, over);
    return begun;
  }
}
