import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';
import { type FaultLoad, type LoadMessage, SENSORS } from './fault-load.ts';

const RETRY_MS = 200;
/** The last quarter goes out slowly until somebody says otherwise, so that a fault is over while there is still load. */
const RESERVE = 0.25;
const RESERVE_PACE_MS = 500;

export interface PublisherOptions {
  readonly load: FaultLoad;
  /** Resolves once the message is acknowledged. A VedetteError that may pass: it is sent again. */
  readonly send: (message: LoadMessage) => Promise<unknown>;
  /** Between two messages, ms. */
  readonly paceMs: number;
  /** After each so many messages, these are published once more; default: none are. */
  readonly againEvery?: number;
  /** Waited for once every sender has sent something. */
  readonly begun?: () => Promise<void>;
}

/**
 * Publishes a load in order, one message after another: a message that was not acknowledged is published again before
 * the next one, and has the same place, so that it counts once whatever became of the first.
 */
export class LoadPublisher {
  /** Messages that were acknowledged. */
  published = 0;
  /** Tries that failed. */
  failures = 0;
  /** Resolves once all is published; rejects with what trying again does not mend. */
  readonly done: Promise<void>;
  private readonly options: PublisherOptions;
  private readonly hurried = new AbortController();

  constructor(options: PublisherOptions) {
    this.options = options;
    this.done = this.run();
    this.done.catch(() => undefined);
  }

  /** The rest goes out without pauses. Resolves once it is published. */
  async hurry(): Promise<void> {
    this.hurried.abort();
    await this.done;
  }

  private async run(): Promise<void> {
    const { load, paceMs, againEvery = 0 } = this.options;
    const { length } = load.messages;
    for (let i = 0; i < length; i++) {
      await this.publish(i);
      this.published = i + 1;
      if (this.published === SENSORS) await this.options.begun?.();
      if (againEvery > 0 && this.published % againEvery === 0) {
        for (let again = this.published - againEvery; again < this.published; again++) await this.publish(again);
      }
      if (paceMs === 0) continue;
      const pauseMs = i < length * (1 - RESERVE) ? paceMs : Math.max(paceMs, RESERVE_PACE_MS);
      await sleep(pauseMs, undefined, { signal: this.hurried.signal }).catch(() => undefined);
    }
  }

  private async publish(index: number): Promise<void> {
    const { load, send } = this.options;
    for (;;) {
      try {
        await send(load.messages[index]!);
        return;
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retry) throw error;
        this.failures++;
        await sleep(RETRY_MS);
      }
    }
  }
}
