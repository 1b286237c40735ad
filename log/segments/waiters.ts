interface Waiter {
  readonly offset: number;
  readonly wake: () => void;
}

/** Readers that wait for a record which is not there yet. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** Resolves when {@link advance} passes `offset`, at {@link wakeAll}, or when the signal aborts. */
  wait(offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const waiter = { offset, wake };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  advance(endOffset: number): void {
    for (const waiter of this.#waiting) if (waiter.offset < endOffset) waiter.wake();
  }

  wakeAll(): void {
    for (const waiter of this.#waiting) waiter.wake();
  }
}
