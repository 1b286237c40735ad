import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { asError, VedetteError } from '../model/errors.ts';
import type { CsvMapping } from './decoder.ts';
import type { IngestPipeline } from './pipeline.ts';
import { RawCommits } from './raw-commits.ts';
import type { RawConsumer, RawLog, RawTopic, RawTopicSpec } from './raw-log.ts';
import { RawPartition } from './raw-partition.ts';
import type { SourceStateStore } from './source-state.ts';

/** Bytes read between two flushes, at most; a flush also begins whenever nothing waits. */
const FLUSH_BYTES = 4 << 20;
/** A partition that gives nothing for so long may be somebody else's by now, ms. */
const QUIET_MS = 2000;
const RETRY_MS = 1000;
/** How long a stop waits for a log that takes nothing, ms: what it lacks is not acknowledged, and comes again. */
const LAST_MS = 5000;

export interface RawIngestTopic extends RawTopicSpec {
  /** Of messages that name no format; undefined: by content. */
  readonly format?: string;
}

export interface RawIngestOptions {
  readonly rawLog: RawLog;
  readonly pipeline: IngestPipeline;
  readonly states: SourceStateStore;
  readonly topics: readonly RawIngestTopic[];
  readonly mappings: readonly CsvMapping[];
  readonly subscription: string;
  /** Messages of a partition that may be in work. */
  readonly permits: number;
  /** Time between two writings of a partition's state, before which nothing is acknowledged, ms. */
  readonly commitMs: number;
  /** Time between two flushes while messages keep coming, ms: blocks of a few rows cost everybody behind more. */
  readonly lingerMs: number;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** A partition as this process reads it. */
interface Reading {
  readonly topic: RawTopic;
  readonly index: number;
  readonly partition: RawPartition;
  consumer: RawConsumer;
  /** When it last gave a message, by `performance.now`. */
  heardAt: number;
}

/**
 * Reads the raw log into the pipeline. Every process asks for every partition, and gets those that the broker gives it.
 * Messages of a partition go in one after another; several are read before one flush; they are acknowledged once the
 * flush has resolved and the partition's watermark is saved, so that whoever takes over goes on from there. After a
 * failed flush nothing is acknowledged any more: {@link run} rejects.
 */
export class RawIngest {
  private readonly options: RawIngestOptions;
  private readonly commits: RawCommits;
  private readings: Reading[] = [];
  private turn = 0;
  private unflushedBytes = 0;
  private flushing: Promise<void> | undefined;
  /** When the last flush began, by `performance.now`. */
  private flushedAt = -Infinity;
  private isClosed = false;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(options: RawIngestOptions) {
    this.options = options;
    this.commits = new RawCommits({
      states: options.states,
      commitMs: options.commitMs,
      onRetry: (error) => options.onNotice('warn', `raw log: positions cannot be saved: ${error.message}`),
      onFailed: (error) => this.fail(error),
    });
  }

  /** By topic and partition, such as `raw-zeek-0`, what was read here. */
  get counters(): ReadonlyMap<string, Readonly<RawPartition['counters'] & { waiting: number }>> {
    return new Map(
      this.readings.map(({ topic, index, partition }) => [
        `${topic.name}-${index}`,
        { ...partition.counters, waiting: partition.waiting },
      ]),
    );
  }

  /** Reads until closed. Rejects when the event log fails, or the raw log refuses. */
  async run(): Promise<void> {
    await this.join();
    const checks = setInterval(() => {
      this.checkOwners().catch((error: unknown) => this.fail(error));
    }, QUIET_MS);
    try {
      while (!this.isClosed) {
        if (this.failure) throw this.failure;
        if (this.options.pipeline.isFull) await this.flush();
        const reading = this.nextReading();
        if (reading) await this.step(reading);
        else await this.rest();
        if (this.unflushedBytes >= FLUSH_BYTES) this.beginFlush();
      }
      if (!this.failure) await Promise.race([this.finish(), sleep(LAST_MS, undefined, { ref: false })]);
      if (this.failure) throw this.failure;
    } finally {
      clearInterval(checks);
      this.isClosed = true;
      this.commits.stop();
      await Promise.all(this.readings.map(({ consumer }) => consumer.close()));
      for (const { partition } of this.readings) partition.drop();
    }
  }

  /** Ends {@link run} in good order: what was read is acknowledged, and others get the partitions. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }

  /** What was read is in the pipeline: it is made durable and acknowledged. */
  private async finish(): Promise<void> {
    await this.flush();
    await this.commits.settle();
  }

  private async join(): Promise<void> {
    const { rawLog, pipeline, mappings, onNotice } = this.options;
    for (const spec of this.options.topics) {
      const topic = await retried(
        () => rawLog.open({ name: spec.name, partitions: spec.partitions }),
        (error) => {
          onNotice('warn', `raw log: ${error.message}; trying again`);
          return this.isClosed;
        },
      );
      for (let index = 0; index < topic.partitions; index++) {
        const partition = new RawPartition({
          pipeline,
          mappings,
          name: `${topic.name}-${index}`,
          incarnation: topic.incarnation,
          ...(spec.format === undefined ? {} : { format: spec.format }),
        });
        this.readings.push(this.read(topic, index, partition));
      }
    }
  }

  private read(topic: RawTopic, index: number, partition: RawPartition): Reading {
    const { rawLog, subscription, permits } = this.options;
    const reading: Omit<Reading, 'consumer'> = { topic, index, partition, heardAt: -Infinity };
    const consumer = rawLog.consume({
      topic: topic.name,
      partition: index,
      subscription,
      permits,
      onMessage: (message) => {
        partition.push(message);
        reading.heardAt = performance.now();
        this.wake();
      },
      onReset: () => partition.reset(),
      onFailed: (error) => this.fail(error),
    });
    return Object.assign(reading, { consumer });
  }

  /** The next partition with a message, in turn. */
  private nextReading(): Reading | undefined {
    const { length } = this.readings;
    for (let i = 0; i < length; i++) {
      const at = (this.turn + i) % length;
      const reading = this.readings[at]!;
      if (reading.partition.waiting === 0) continue;
      this.turn = (at + 1) % length;
      return reading;
    }
    return undefined;
  }

  private async step(reading: Reading): Promise<void> {
    const { partition } = reading;
    if (!partition.isLoaded || partition.hasGap) {
      await this.load(reading);
      if (partition.asksForMissing()) {
        this.options.onNotice(
          'info',
          `raw log: messages of ${partition.stateName} came before older ones; asked again`,
        );
        reading.consumer.redeliver('messages are missing before the next one');
        return;
      }
    }
    const taken = await partition.take();
    if (!taken) return;
    this.unflushedBytes += partition.write(taken.message, taken.content);
    this.commits.add(reading, taken.message);
    // Sockets, timers and the log get their turn between two messages.
    await nextTurn();
  }

  private async load({ partition }: Reading): Promise<void> {
    const state = await retried(
      () => this.options.states.load(partition.stateName),
      (error) => {
        this.options.onNotice('warn', `raw log: ${partition.stateName} cannot be loaded: ${error.message}`);
        return this.isClosed;
      },
    );
    partition.load(state);
  }

  /** Nothing waits: what was read goes out, unless the last flush was just now, and then it is waited for more. */
  private async rest(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    const lingerMs = this.options.lingerMs - (performance.now() - this.flushedAt);
    const timer = lingerMs > 0 ? setTimeout(() => this.wake(), lingerMs) : undefined;
    if (!timer) this.beginFlush();
    await woken;
    clearTimeout(timer);
  }

  private beginFlush(): void {
    if (this.flushing || this.failure || !this.commits.hasWritten) return;
    this.unflushedBytes = 0;
    this.flushedAt = performance.now();
    const written = this.commits.take();
    this.flushing = this.flushed()
      .then(() => this.commits.durable(written))
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.flushing = undefined;
        // What came meanwhile goes out at once, where nothing else waits.
        this.wake();
      });
  }

  /** The log waits by itself for what keeps it; of dead letters' stores this has to be asked. */
  private flushed(): Promise<void> {
    const { pipeline, onNotice } = this.options;
    return retried(
      () => pipeline.flush(),
      (error) => {
        onNotice('warn', `raw log: what was read cannot be stored: ${error.message}; trying again`);
        return this.isClosed;
      },
    );
  }

  private async flush(): Promise<void> {
    await this.flushing;
    this.beginFlush();
    // The pipeline may be full of what other doors gave it.
    await (this.flushing ?? this.flushed());
  }

  private fail(error: unknown): void {
    this.failure ??= asError(error);
    this.wake();
  }

  /**
   * A partition that gives nothing may be somebody else's by now: then its sources hold no time here. Or it came to us
   * from somebody who died: then its sources are ours, so that they are marked as idle in their time.
   */
  private async checkOwners(): Promise<void> {
    const now = performance.now();
    const quiet: Reading[] = [];
    for (const reading of this.readings) {
      const { partition, consumer } = reading;
      const isBusy = partition.waiting > 0 || this.commits.isOpen(reading) || !consumer.isConnected;
      // While the raw log is away nobody else gets on either: time waits for it.
      if (isBusy) partition.touch();
      else if (now - reading.heardAt >= QUIET_MS) quiet.push(reading);
    }
    for (const topic of new Set(quiet.map((reading) => reading.topic))) {
      let held: readonly boolean[];
      try {
        held = await this.options.rawLog.held(topic.name, this.options.subscription);
      } catch (error) {
        if (error instanceof VedetteError && error.retry) continue;
        throw error;
      }
      for (const reading of quiet) {
        const { partition, index } = reading;
        if (reading.topic !== topic || partition.waiting > 0 || this.isClosed) continue;
        if (held[index] !== true) {
          partition.drop();
        } else if (!partition.isLoaded) await this.load(reading);
        else if (partition.hasTurned) this.commits.add(reading);
      }
      if (this.commits.hasWritten) this.wake();
    }
  }
}

/** Until it resolves, fails for good, or `isGivenUp` says so after a failure that may pass. */
async function retried<T>(work: () => Promise<T>, isGivenUp: (error: VedetteError) => boolean): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof VedetteError) || !error.retry || isGivenUp(error)) throw error;
      await sleep(RETRY_MS);
    }
  }
}
