import type { RawLog } from '../../ingest/raw-log.ts';
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

  constructor(rawLog: RawLog, topic: { readonly name: string; readonly partitions: number }, feed: FlowFeed) {
    this.rawLog = rawLog;
    this.topic = topic;
    this.feed = feed;
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
    const { name, partitions } = this.topic;
    const atMs = String(performance.timeOrigin + performance.now());
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) => {
        const share = Math.floor(((partition + 1) * flows) / partitions) - Math.floor((partition * flows) / partitions);
        if (share === 0) return Promise.resolve();
        const payload = this.feed.take(share);
        return this.rawLog.publish(name, partition, { payload, properties: { format: 'zeek-json', [SENT]: atMs } });
      }),
    );
  }
}

/** Property that says when a message's round began, ms since 1970; Vedette ignores it. */
export const SENT = 'bench-sent';
