import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEntry } from '../log/event-log.ts';
import { VedetteError } from '../model/errors.ts';
import { HighWater } from './high-water.ts';
import { makeBatch, type SinkBatch } from './sink-batch.ts';
import { SinkCommits } from './sink-commits.ts';
import type { SinkDependencies, SinkLimits, SinkRoute } from './sink-options.ts';

/**
 * Moves one partition's records into its table, each exactly once: the intent (which records) is committed before the
 * insert, the insert carries a token made of it, and after a crash the intended insert comes first.
 */
export class SinkPartition {
  readonly #route: SinkRoute;
  readonly #partition: number;
  readonly #limits: SinkLimits;
  readonly #deps: SinkDependencies;
  readonly #commits: SinkCommits;
  #high: HighWater;
  #next = 0;
  #pending: LogEntry[] = [];
  #isEager = false;

  constructor(route: SinkRoute, partition: number, limits: SinkLimits, deps: SinkDependencies) {
    this.#route = route;
    this.#partition = partition;
    this.#limits = limits;
    this.#deps = deps;
    this.#high = new HighWater(limits.maxSources);
    this.#commits = new SinkCommits({ log: deps.log, topic: route.topic, partition, maxSources: limits.maxSources });
  }

  /** Rows of all records below this offset are stored. */
  get acknowledged(): number {
    return this.#next;
  }

  /** Whether little data goes in at once, as while draining. */
  set eager(value: boolean) {
    this.#isEager = value;
  }

  /** Takes up where the last run ended; inserts an intended block again. */
  async recover(signal: AbortSignal): Promise<void> {
    const { next, high, intent } = await this.#commits.restore();
    this.#pending = [];
    this.#next = next;
    this.#high = high;
    if (intent === undefined) return;
    const entries = await this.#readExactly(intent.first, intent.last);
    if (entries.length > 0) await this.#store(this.#batch(entries, intent.last), signal);
  }

  /**
   * Stores one batch; false where the log has nothing new. Waits while ClickHouse is away; rejects when aborted, when a
   * commit fails (LOCKED: another holds the partition now), or for a bug.
   */
  async step(signal: AbortSignal): Promise<boolean> {
    if (this.#pending.length === 0) await this.#gather(signal);
    if (this.#pending.length === 0) return false;
    const before = this.#high.copy();
    const batch = this.#batch(this.#pending);
    if (batch.rows > 0) {
      await this.#commits.intend({ first: batch.first, last: batch.last }, before);
      this.#deps.at?.('intent_written');
    }
    await this.#store(batch, signal);
    this.#pending = this.#pending.filter(({ offset }) => offset > batch.last);
    return true;
  }

  /** Commits that nothing is in flight, so that the next start has nothing to repeat; also past records without rows. */
  async settle(): Promise<void> {
    await this.#commits.settle(this.#next, this.#high);
  }

  async #gather(signal: AbortSignal): Promise<void> {
    const read = async (): Promise<LogEntry[]> => {
      const { topic } = this.#route;
      for (;;) {
        this.#passDropped();
        try {
          return await this.#deps.log.read(topic, this.#partition, this.#next, { maxBytes: this.#limits.maxBytes });
        } catch (error) {
          if (!(error instanceof VedetteError) || error.code !== 'LOG_CORRUPT') throw error;
          this.#deps.metrics.corrupt(topic, this.#partition, this.#next);
          this.#deps.onNotice?.(
            'error',
            `record ${this.#next} of ${topic} is damaged and was not stored: ${error.message}`,
          );
          this.#next++;
        }
      }
    };
    this.#pending = await read();
    const sizeBytes = this.#pending.reduce((sum, { data }) => sum + data.length, 0);
    if (sizeBytes === 0 || sizeBytes >= this.#limits.eagerBytes || this.#isEager || this.#limits.flushMs === 0) return;
    await sleep(this.#limits.flushMs, undefined, { signal }).catch(() => undefined);
    // Told to end: nothing is in flight, which is what is committed last, so that whoever follows repeats no insert.
    this.#pending = signal.aborted ? [] : await read();
  }

  /** Retention may drop what was never stored, where the store was away for longer than the log keeps. */
  #passDropped(): void {
    const { topic } = this.#route;
    const { earliest } = this.#deps.log.bounds(topic, this.#partition);
    if (earliest <= this.#next) return;
    this.#deps.metrics.lost(topic, this.#partition, earliest - this.#next);
    this.#deps.onNotice?.(
      'error',
      `the log dropped ${earliest - this.#next} records of ${topic} before they were stored`,
    );
    this.#next = earliest;
  }

  /** The entries from `first` to at least `last`; [] where retention dropped the first of them. */
  async #readExactly(first: number, last: number): Promise<LogEntry[]> {
    this.#passDropped();
    if (this.#next > first) return [];
    // One read, since entries are valid until the next one. It gives whole batches: their size had the same limit.
    for (let maxBytes = this.#limits.maxBytes * 2; ; maxBytes *= 2) {
      const entries = await this.#deps.log.read(this.#route.topic, this.#partition, first, { maxBytes });
      if ((entries.at(-1)?.offset ?? -1) >= last) return entries;
      if (maxBytes > this.#limits.maxBytes * 64) {
        throw new VedetteError('LOG_RANGE', `records ${first} to ${last} of ${this.#route.topic} cannot be read again`);
      }
    }
  }

  #batch(entries: readonly LogEntry[], last?: number): SinkBatch {
    return makeBatch(entries, {
      codec: this.#route.codec,
      partition: this.#partition,
      high: this.#high,
      limits: this.#limits,
      ...(last !== undefined && { last }),
    });
  }

  async #store(batch: SinkBatch, signal: AbortSignal): Promise<void> {
    const { metrics } = this.#deps;
    const { topic } = this.#route;
    for (const offset of batch.corrupt) metrics.corrupt(topic, this.#partition, offset);
    if (batch.duplicates > 0) metrics.duplicates(topic, batch.duplicates);
    if (batch.rows > 0) await this.#insert(batch, signal);
    this.#next = batch.last + 1;
  }

  async #insert(batch: SinkBatch, signal: AbortSignal): Promise<void> {
    const { client, metrics, at, onNotice } = this.#deps;
    const { topic, table } = this.#route;
    const token = `${topic}/${this.#partition}/${batch.first}-${batch.last}`;
    const started = performance.now();
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted();
      try {
        await client.insertNative(table, batch.body, {
          token,
          beforeSend: () => this.#commits.confirm(),
          onSent: () => at?.('rows_sent'),
        });
        at?.('rows_acked');
        if (failures > 0) onNotice?.('info', `rows of ${topic} are stored again`);
        break;
      } catch (error) {
        if (!(error instanceof VedetteError) || error.code === 'LOCKED') throw error;
        metrics.retried(topic, error.code);
        // A refused insert is tried again too: passing it over would lose rows, and an operator may repair the store.
        const level = error.retry ? 'warn' : 'error';
        if (failures === 0 || !error.retry) onNotice?.(level, `rows of ${topic} wait: ${error.message}`);
        const { first, max } = this.#limits.retryMs;
        await sleep(error.retry ? Math.min(max, first * 2 ** failures) : max, undefined, { signal });
      }
    }
    const durationMs = performance.now() - started;
    const { rows, sizeBytes } = batch;
    metrics.stored({ topic, partition: this.#partition, rows, sizeBytes, durationMs });
  }
}
