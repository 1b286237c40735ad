import { setImmediate as turn } from 'node:timers/promises';

/** Work on one stretch before others get a turn, ms. */
const STRETCH_MS = 4;

/** Lets others have their turn in the midst of work that never waits by itself. */
export class Turns {
  private since = performance.now();

  async give(): Promise<void> {
    if (performance.now() - this.since < STRETCH_MS) return;
    await turn();
    this.since = performance.now();
  }
}
