import type { RawLog } from '../../ingest/raw-log.ts';
import { packMessage } from '../../ingest/raw-message.ts';
import { pause } from '../measure.ts';
import type { FlowFeed } from './flow-feed.ts';

/** Flows of one round: a message of about 250 kB for each of four partitions. */
const ROUND_FLOWS = 3600;
const PAUSE_MS = 5;
/** Time between two rounds of an open loop. */
const SLOT_MS = 50;

/** A shipper: publishes a feed to a topic of the raw log, a message a partition in each round. */
export class Publisher {
  private readonly rawLog: RawLog;
  private readonly topic: { readonly name: string; readonly partitions: number };
  private readonly feed: FlowFeed;
  /** By partition: when its latest message has been handed over. Packing takes its time on other threads. */
  private readonly turns: Promise<void>[];

  constructor(rawLog: RawLog, topic: { readonly name: string; readonly partitions: number }, feed: FlowFeed) {
    this.rawLog = rawLog;
    this.topic = topic;
    this.feed = feed;
    this.turns = Array.from({ length: topic.partitions }, () => Promise.resolve());
  }

  /** As fast as it is taken, with at most `bound` lines on their way, until told to end. */
  async closedLoop(options: { bound: number; done: () => number; until: () => boolean }): Promise<void> {
    while (!options.until()) {
      if (this.feed.lines - options.done() >= options.bound) await pause(PAUSE_MS);
      else await this.round(ROUND_FLOWS);
    }
  }

  /**
   * By the clock, whatever became of what went before: flow number `i` of this call is due `i / rate` seconds after
   * `startMs` (by `performance.now`), and goes out with the end of its slot. Gives the worst lag behind it, ms.
   */
  async openLoop(options: { rate: number; flows: number; startMs: number }): Promise<number> {
    const { rate, flows, startMs } = options;
    const rounds: Promise<void>[] = [];
    let worstLagMs = 0;
    for (let sent = 0, slot = 1; sent < flows; slot++) {
      const dueMs = startMs + slot * SLOT_MS;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await pause(waitMs);
      const due = Math.min(flows, Math.floor(((dueMs - startMs) / 1000) * rate));
      worstLagMs = Math.max(worstLagMs, performance.now() - dueMs);
      const round = this.round(due - sent);
      round.catch(() => undefined);
      rounds.push(round);
      sent = due;
    }
    await Promise.all(rounds);
    return worstLagMs;
  }

  private async round(flows: number): Promise<void> {
    const { partitions } = this.topic;
    const startMs = performance.timeOrigin + performance.now();
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) => {
        const share = Math.floor(((partition + 1) * flows) / partitions) - Math.floor((partition * flows) / partitions);
        return share === 0 ? Promise.resolve() : this.send(partition, share, startMs);
      }),
    );
  }

  /** As Vedette's own listeners publish: compressed, in order within the partition. */
  private async send(partition: number, flows: number, startMs: number): Promise<void> {
    const { name } = this.topic;
    const before = this.feed.lines;
    const bytes = this.feed.take(flows);
    const lines = this.feed.lines - before;
    const source = `shipper-${partition}`;
    const packing = packMessage(
      { bytes, source, format: 'zeek-json', layout: 'lines', receivedMs: Date.now() },
      'gzip',
    );
    let stored: Promise<unknown> | undefined;
    const turn = this.turns[partition]!.then(async () => {
      const message = await packing;
      const properties = { ...message.properties, [SENT]: String(startMs), [LINES]: String(lines) };
      stored = this.rawLog.publish(name, partition, { ...message, properties });
      stored.catch(() => undefined);
    });
    this.turns[partition] = turn;
    await turn;
    await stored;
  }
}

/** Properties that Vedette ignores: when a message's round began, ms since 1970, and how many lines it holds. */
export const SENT = 'bench-sent';
export const LINES = 'bench-lines';
