import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../model/errors.ts';
import type { RawConsumer, RawMessageId, ReceivedMessage } from './raw-log.ts';
import { isSavedBeyond, type RawPartition } from './raw-partition.ts';
import type { SourceStateStore } from './source-state.ts';

const RETRY_MS = 1000;

/** A partition, and who delivers it. */
export interface Delivered {
  readonly partition: RawPartition;
  readonly consumer: RawConsumer;
}

/** What was in the pipeline at one moment. */
export interface Written {
  readonly messages: ReceivedMessage[];
  readonly last: RawMessageId;
  /** Watermarks behind the last message. */
  readonly state: string;
}

export interface RawCommitsOptions {
  readonly states: SourceStateStore;
  readonly commitMs: number;
  /** Positions cannot be saved for now. */
  readonly onRetry: (error: Error) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Messages on their way from written to durable to acknowledged. A partition's state is saved a few times a second at
 * most, and nothing is acknowledged before it: whoever takes over finds the watermark of what will not come again.
 */
export class RawCommits {
  private readonly options: RawCommitsOptions;
  /** In the pipeline. */
  private readonly written = new Map<Delivered, ReceivedMessage[]>();
  /** In the event log. */
  private durables = new Map<Delivered, Written>();
  /** Messages of a partition that are not acknowledged. */
  private readonly unacknowledged = new Map<Delivered, number>();
  private committing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private committedAt = -Infinity;
  private isStopped = false;

  constructor(options: RawCommitsOptions) {
    this.options = options;
  }

  get hasWritten(): boolean {
    return this.written.size > 0;
  }

  /** Whether messages of the partition wait for the log or for their acknowledgement. */
  isOpen(reading: Delivered): boolean {
    return (this.unacknowledged.get(reading) ?? 0) > 0 || this.written.has(reading);
  }

  /** The pipeline has the message; or, without one, the state of the partition's sources has changed by itself. */
  add(reading: Delivered, message?: ReceivedMessage): void {
    let messages = this.written.get(reading);
    if (!messages) this.written.set(reading, (messages = []));
    if (!message) return;
    messages.push(message);
    this.unacknowledged.set(reading, (this.unacknowledged.get(reading) ?? 0) + 1);
  }

  /** What a flush that begins now makes durable. */
  take(): ReadonlyMap<Delivered, Written> {
    const taken = new Map<Delivered, Written>();
    for (const [reading, messages] of this.written) {
      const { partition } = reading;
      taken.set(reading, { messages, last: partition.last, state: partition.save() });
    }
    this.written.clear();
    return taken;
  }

  /** The flush has resolved: saved and acknowledged when it is time. */
  durable(taken: ReadonlyMap<Delivered, Written>): void {
    for (const [reading, { messages, last, state }] of taken) {
      const before = this.durables.get(reading)?.messages ?? [];
      this.durables.set(reading, { messages: [...before, ...messages], last, state });
    }
    this.commitSoon();
  }

  /** Resolves once nothing is left to acknowledge of what is durable. */
  async settle(): Promise<void> {
    while (this.durables.size > 0 || this.committing) {
      if (this.isStopped) return;
      this.committedAt = -Infinity;
      clearTimeout(this.timer);
      this.timer = undefined;
      await (this.committing ?? this.commitNow());
    }
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private commitSoon(): void {
    if (this.isStopped || this.committing || this.timer || this.durables.size === 0) return;
    const dueMs = Math.max(0, this.committedAt + this.options.commitMs - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.commitNow();
    }, dueMs);
  }

  private commitNow(): Promise<void> {
    const batch = this.durables;
    this.durables = new Map();
    this.committedAt = performance.now();
    this.committing = this.commit(batch)
      .catch((error: unknown) => {
        this.stop();
        this.options.onFailed(error);
      })
      .finally(() => {
        this.committing = undefined;
        this.commitSoon();
      });
    return this.committing;
  }

  private async commit(batch: ReadonlyMap<Delivered, Written>): Promise<void> {
    for (;;) {
      try {
        await this.save(batch);
        break;
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retry) throw error;
        if (this.isStopped) return;
        this.options.onRetry(error);
        await sleep(RETRY_MS);
      }
    }
    for (const [reading, { messages }] of batch) {
      reading.consumer.ack(messages);
      this.unacknowledged.set(reading, (this.unacknowledged.get(reading) ?? 0) - messages.length);
    }
  }

  /** A process that lost a partition without noticing must not take its successor back. */
  private async save(batch: ReadonlyMap<Delivered, Written>): Promise<void> {
    const { states } = this.options;
    const entries = await Promise.all(
      [...batch].map(async ([{ partition }, { last, state }]) => {
        const isBehind = isSavedBeyond(await states.load(partition.stateName), last);
        return isBehind ? [] : [{ name: partition.stateName, state }];
      }),
    );
    await states.save(entries.flat());
  }
}
