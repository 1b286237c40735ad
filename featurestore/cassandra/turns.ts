import { setImmediate as turn } from 'node:timers/promises';

/** Work on one stretch before others get a turn, ms. */
const STRETCH_MS = 4;

/** Lets others have their turn in the midst of work that never waits by itself. */
export class Turns {
  private since = performance.now();

  give(): Promise<void> | undefined {
    return performance.now() - this.since < STRETCH_MS ? undefined : this.wait();
  }

  private async wait(): Promise<void> {
    await turn();
    this.since = performance.now();
  }
}
