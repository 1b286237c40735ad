import { VedetteError } from '../../model/errors.ts';
import { BatchWindow } from './batch-window.ts';

/** A reader that has not asked for so long is no longer fetched for. */
const READER_IDLE_MS = 5000;

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
}

interface Demand {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What is known of one partition, and who waits for more of it. */
export class PartitionState {
  readonly topic: string;
  /** The topic's name at the brokers. */
  readonly kafkaTopic: string;
  readonly partition: number;
  readonly window = new BatchWindow();
  /** Offsets from which a fetch is on its way. */
  readonly inFlight = new Set<number>();
  /** Where the last fetch gave bytes in which no batch can be found: not fetched ahead, only on demand. */
  unreadableAt = -1;
  /** When somebody last asked for the bounds, Unix ms. */
  lookedAtMs = 0;
  #earliest = 0;
  #end = 0;
  #waiters: Waiter[] = [];
  #demands: Demand[] = [];
  readonly #readers = new Map<number, number>();
  /** The last stretch without a record: what compaction left, or the markers of transactions at the end. */
  #gap = { from: -1, to: -1 };

  constructor(name: { readonly topic: string; readonly kafkaTopic: string; readonly partition: number }) {
    this.topic = name.topic;
    this.kafkaTopic = name.kafkaTopic;
    this.partition = name.partition;
  }

  get bounds(): { earliest: number; end: number } {
    return { earliest: this.#earliest, end: this.#end };
  }

  /** Only up: a new leader may for a moment know of less than the one before has acknowledged. */
  raise({ earliest = 0, end = 0 }: { readonly earliest?: number; readonly end?: number }): void {
    this.#end = Math.max(this.#end, end);
    this.#earliest = Math.min(Math.max(this.#earliest, earliest), Math.max(this.#end, earliest));
    const ready = this.#waiters.filter(({ offset }) => offset < this.#end);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ offset }) => offset >= this.#end);
    for (const waiter of ready) waiter.resolve();
  }

  /** Between these two a reader has found no record. */
  noteGap(from: number, to: number): void {
    if (from < to) this.#gap = { from, to };
  }

  /** Where the next record can be, for a reader that is at `offset`. */
  behindGap(offset: number): number {
    return offset >= this.#gap.from && offset < this.#gap.to ? this.#gap.to : offset;
  }

  /** Resolves once there is a record at or past `offset`, or the signal aborts. */
  wait(offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || offset < this.#end) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve();
      };
      const waiter = { offset, resolve: done };
      this.#waiters.push(waiter);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  get hasWaiters(): boolean {
    return this.#waiters.length > 0;
  }

  /** A reader has asked for `from`, and will ask for `next` after that. */
  moveReader(from: number, next: number): void {
    this.#readers.delete(from);
    this.#readers.set(next, Date.now());
  }

  forgetReader(offset: number): void {
    this.#readers.delete(offset);
  }

  /** Where readers go on that have asked lately, or wait. */
  readers(): number[] {
    const since = Date.now() - READER_IDLE_MS;
    const waiting = new Set(this.#waiters.map(({ offset }) => offset));
    for (const [offset, askedMs] of this.#readers) {
      if (askedMs < since && !waiting.has(offset)) this.#readers.delete(offset);
    }
    return [...this.#readers.keys()];
  }

  /** Resolves once a fetch from `offset` has been answered, with or without records. */
  demand(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#demands.push({ offset, resolve, reject });
    });
  }

  get demands(): readonly number[] {
    return this.#demands.map(({ offset }) => offset);
  }

  /** Answers the demands for `offset`, or all: with an error, or by letting them look again. */
  settle(offset: number | 'all', error?: unknown): void {
    const isMeant = (demand: Demand) => offset === 'all' || demand.offset === offset;
    const met = this.#demands.filter(isMeant);
    if (met.length === 0) return;
    this.#demands = this.#demands.filter((demand) => !isMeant(demand));
    for (const demand of met) {
      if (error === undefined) demand.resolve();
      else demand.reject(error);
    }
  }

  close(): void {
    this.settle('all', new VedetteError('LOG_UNAVAILABLE', 'the log is closed'));
    for (const waiter of [...this.#waiters]) waiter.resolve();
    this.window.clear();
  }
}
