import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Runner } from '../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../stream/stage-workers.ts';
import { PANE_MS } from '../stream/time.ts';
import { openEmbedded, type EmbeddedOptions, type EmbeddedParts } from './compose-embedded.ts';

export type { EmbeddedOptions } from './compose-embedded.ts';

/** How long a stop waits for a log that takes nothing, ms: who sent what it lacks was never told that it is durable. */
const LAST_FLUSH_MS = 5000;

/**
 * The whole pipeline in this process, with its data in one folder and ClickHouse as its child. Started whole or not at
 * all; stops in the order of the data's way.
 */
export class Embedded {
  readonly options: EmbeddedOptions;
  readonly log: EmbeddedParts['log'];
  readonly alerts: EmbeddedParts['alerts'];
  readonly publisher: EmbeddedParts['publisher'];
  readonly webhooks: EmbeddedParts['webhooks'];
  readonly deadLetters: EmbeddedParts['stores']['deadLetters'];
  readonly sourceStates: EmbeddedParts['stores']['sourceStates'];
  readonly olap: EmbeddedParts['olap'];
  readonly child: EmbeddedParts['child'];
  readonly sink: EmbeddedParts['sink'];
  readonly sinkCounters: EmbeddedParts['sinkCounters'];
  readonly pipeline: EmbeddedParts['pipeline'];
  readonly jobs: EmbeddedParts['jobs'];
  readonly stage1: EmbeddedParts['stage1'];
  readonly stage2: EmbeddedParts['stage2'];
  /** Rejects when a part of the pipeline fails for good. */
  readonly failed: Promise<never>;
  private readonly abort = new AbortController();
  private readonly running: Promise<unknown>;
  private readonly closers: readonly (() => Promise<unknown>)[];

  private constructor(parts: EmbeddedParts, closers: readonly (() => Promise<unknown>)[]) {
    this.options = parts.options;
    this.log = parts.log;
    this.alerts = parts.alerts;
    this.publisher = parts.publisher;
    this.webhooks = parts.webhooks;
    this.deadLetters = parts.stores.deadLetters;
    this.sourceStates = parts.stores.sourceStates;
    this.olap = parts.olap;
    this.child = parts.child;
    this.sink = parts.sink;
    this.sinkCounters = parts.sinkCounters;
    this.stage1 = parts.stage1;
    this.stage2 = parts.stage2;
    this.pipeline = parts.pipeline;
    this.jobs = parts.jobs;
    this.closers = closers;
    const { signal } = this.abort;
    // Every runner waits on it, and Node warns of more than ten.
    setMaxListeners(0, signal);
    const runs = [...this.stage1, ...this.stage2].map(({ runner }) => runner.run(signal));
    this.running = Promise.allSettled(runs);
    this.failed = new Promise((_, reject) => {
      for (const run of [...runs, this.sink.run()]) run.catch(reject);
    });
    // Whoever waits for `failed` is told; without a waiter it must not end the process by itself.
    this.failed.catch(() => undefined);
  }

  static async start(options: EmbeddedOptions): Promise<Embedded> {
    const closers: (() => Promise<unknown>)[] = [];
    try {
      return new Embedded(await openEmbedded(options, closers), closers);
    } catch (error) {
      for (const close of [...closers].reverse()) await close();
      throw error;
    }
  }

  /** Resolves once everything in the log has been through the stages and is stored. */
  async drain(): Promise<void> {
    await this.settle(EVENTS_TOPIC, this.stage1);
    await this.settle(PARTIALS_TOPIC, this.stage2);
    await Promise.race([this.sink.drain(), this.failed]);
  }

  /**
   * Takes over from the run before: waits until stage 1 has read what that one left, so that ingest goes on from the
   * log's own time. Gives the sources that still hold time there; those that do not come back must be marked idle.
   */
  async takeOver(): Promise<string[]> {
    await this.settle(EVENTS_TOPIC, this.stage1);
    const clocks = this.stage1.map(({ worker }) => worker.state.clock);
    this.pipeline.standAt(Math.max(...clocks.map(({ openPane }) => openPane * PANE_MS)));
    return [...new Set(clocks.flatMap((clock) => clock.activeSources()))];
  }

  /** Records of the log that stage 1 has not taken yet. */
  get backlog(): number {
    return this.stage1.reduce(
      (sum, { runner }, partition) => sum + this.log.bounds(EVENTS_TOPIC, partition).end - runner.status.offset,
      0,
    );
  }

  async stop(): Promise<void> {
    // They work on everything below.
    await this.jobs.close();
    const tooLate = async (): Promise<never> => {
      await sleep(LAST_FLUSH_MS, undefined, { ref: false });
      throw this.pipeline.obstacle ?? new Error('the event log does not answer');
    };
    await Promise.race([this.pipeline.flush(), tooLate()]).catch((error: unknown) => {
      this.options.onNotice('error', `what was received last could not be written: ${String(error)}`);
    });
    this.abort.abort();
    await this.running;
    await this.sink.stop();
    for (const close of [...this.closers].reverse()) await close();
  }

  private async settle(topic: string, stages: readonly { readonly runner: Runner }[]): Promise<void> {
    for (const [partition, { runner }] of stages.entries()) {
      while (runner.settledOffset < this.log.bounds(topic, partition).end)
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 2)), this.failed]);
    }
  }
}
