import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import { groupBy } from './fetch-protocol.ts';
import { errorName } from './kafkajs.ts';
import type { Leaders } from './leaders.ts';
import type { PartitionState } from './partition-state.ts';

const EARLIEST = -2;
const LATEST = -1;

/** Asks the leaders for first and next offsets. Errors: LOG_UNAVAILABLE, UNAUTHORIZED; what was answered is kept. */
export async function refreshBounds(
  states: readonly PartitionState[],
  { connections, leaders }: { readonly connections: Connections; readonly leaders: Leaders },
): Promise<void> {
  const byLeader = groupBy(states, (state) => String(leaders.of(state.kafkaTopic, state.partition)));
  await Promise.all(
    byLeader.map(async ([leader, led]) => {
      if (Number(leader) < 0) throw new VedetteError('LOG_UNAVAILABLE', 'a partition of Kafka has no leader');
      const lane = await connections.lane(Number(leader), 'control');
      for (const timestamp of [EARLIEST, LATEST]) {
        const { responses } = await lane.call('ListOffsets', {
          isolationLevel: 0,
          topics: groupBy(led, ({ kafkaTopic }) => kafkaTopic).map(([topic, ofTopic]) => ({
            topic,
            partitions: ofTopic.map(({ partition }) => ({ partition, timestamp })),
          })),
        });
        for (const { topic, partitions } of responses) {
          for (const { partition, errorCode, offset } of partitions) {
            if (errorCode !== 0) {
              throw new VedetteError('LOG_UNAVAILABLE', `offsets of ${topic}/${partition}: ${errorName(errorCode)}`);
            }
            const state = led.find((each) => each.kafkaTopic === topic && each.partition === partition);
            state?.raise(timestamp === EARLIEST ? { earliest: Number(offset) } : { end: Number(offset) });
          }
        }
      }
    }),
  );
}

/** Keeps the bounds of what somebody looks at or waits for fresh. */
export class BoundsRefresh {
  readonly #timer: NodeJS.Timeout;
  #isRunning = false;

  constructor(
    states: readonly PartitionState[],
    parts: { readonly connections: Connections; readonly leaders: Leaders; readonly everyMs: number },
  ) {
    this.#timer = setInterval(() => {
      const since = Date.now() - LOOKED_AT_MS;
      const watched = states.filter((state) => state.lookedAtMs > since || state.hasWaiters);
      if (this.#isRunning || watched.length === 0) return;
      this.#isRunning = true;
      refreshBounds(watched, parts)
        // An outage: they stay as they were last heard, and the leaders are asked for again.
        .catch(() => parts.leaders.refresh().catch(() => undefined))
        .finally(() => (this.#isRunning = false));
    }, parts.everyMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

const LOOKED_AT_MS = 10_000;
