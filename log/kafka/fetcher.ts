import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import { fetchRequest, readFetchAnswer, type FetchedPart, type FetchPart } from './fetch-protocol.ts';
import { errorName } from './kafkajs.ts';
import type { KafkaCounters } from './counters.ts';
import type { Leaders } from './leaders.ts';
import type { PartitionState } from './partition-state.ts';
import { KAFKA_ERROR } from './protocol-types.ts';
import { splitBatches } from './record-batch.ts';

export interface FetchLimits {
  /** How long a broker may wait for a record, ms. Closing waits for no longer. */
  readonly maxWaitMs: number;
  /** Bytes of one answer, and of one partition in it; a batch that is larger comes by itself. */
  readonly maxBytes: number;
  readonly partitionBytes: number;
}

export interface FetcherParts {
  readonly connections: Connections;
  readonly leaders: Leaders;
  readonly partitions: readonly PartitionState[];
  readonly limits: FetchLimits;
  readonly counters: KafkaCounters;
}

/** A topic that no broker knows for so long was deleted. */
const MISSING_MS = 10_000;
const BACKOFF_MS = { first: 50, most: 1000 };
/** The first may wait at the broker for new records; the second gets what is known to be there. */
const USES = ['fetch', 'fetch-more'] as const;

/**
 * Brings batches from the brokers into the partitions' windows: what a reader demands, and ahead of each reader as much
 * as it has in memory. One request asks a broker for all partitions that it leads, while readers work on the last answer.
 * When a broker is away, demands wait.
 */
export class Fetcher {
  readonly #parts: FetcherParts;
  readonly #byName = new Map<string, PartitionState>();
  readonly #busy = new Set<string>();
  #turn = 0;
  #failures = 0;
  /** Leaders that failed; asked again after the next look at who leads. */
  readonly #paused = new Set<number>();
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(parts: FetcherParts) {
    this.#parts = parts;
    for (const state of parts.partitions) this.#byName.set(keyOf(state.kafkaTopic, state.partition), state);
  }

  /** To be called when a reader or a demand has come. */
  poke(): void {
    if (this.#isClosed) return;
    const byLeader = new Map<number, PartitionState[]>();
    for (const state of this.#parts.partitions) {
      const leader = this.#parts.leaders.of(state.kafkaTopic, state.partition);
      const led = byLeader.get(leader);
      if (led) led.push(state);
      else byLeader.set(leader, [state]);
    }
    for (const [leader, led] of byLeader) {
      if (leader >= 0) {
        if (!this.#paused.has(leader)) this.#fill(leader, led);
      } else if (led.some((state) => state.demands.length > 0 || state.hasWaiters)) this.#retryLater();
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
  }

  #fill(leader: number, led: readonly PartitionState[]): void {
    for (const use of USES) {
      const key = `${leader}/${use}`;
      if (this.#busy.has(key)) continue;
      const parts = this.#choose(led, use);
      if (parts.length === 0) continue;
      this.#busy.add(key);
      for (const { state, offset } of parts) state.inFlight.add(offset);
      void this.#fetch({ leader, use, key, parts });
    }
  }

  /** At most one place a partition; partitions take turns at being first, since an answer may be full before the last. */
  #choose(led: readonly PartitionState[], use: (typeof USES)[number]): Place[] {
    const places: Place[] = [];
    this.#turn++;
    for (let i = 0; i < led.length; i++) {
      const state = led[(i + this.#turn) % led.length]!;
      const offset = this.#nextOffset(state, use);
      if (offset !== undefined) places.push({ state, offset });
    }
    return places;
  }

  #nextOffset(state: PartitionState, use: (typeof USES)[number]): number | undefined {
    const demanded = state.demands.find((offset) => !state.inFlight.has(offset));
    if (demanded !== undefined) return demanded;
    const { end } = state.bounds;
    for (const reader of state.readers()) {
      const ahead = state.window.coverage(reader);
      const isHere = state.inFlight.has(ahead.end) || ahead.end === state.unreadableAt;
      const isWanted = ahead.bytes < this.#parts.limits.partitionBytes && !isHere;
      if (isWanted && (use === 'fetch' ? ahead.end <= end : ahead.end < end)) return ahead.end;
    }
    return undefined;
  }

  async #fetch(request: { leader: number; use: string; key: string; parts: readonly Place[] }): Promise<void> {
    const { leader, use, key, parts } = request;
    let isTroubled = false;
    try {
      const lane = await this.#parts.connections.lane(leader, use);
      isTroubled = this.#take(parts, await lane.send(this.#request(parts)));
      if (!isTroubled) this.#failures = 0;
    } catch (error) {
      isTroubled = true;
      this.#parts.counters.fetchFailures++;
      const isRefused = error instanceof VedetteError && error.code === 'UNAUTHORIZED';
      if (isRefused || !(error instanceof VedetteError)) for (const { state } of parts) state.settle('all', error);
    }
    this.#busy.delete(key);
    for (const { state, offset } of parts) state.inFlight.delete(offset);
    if (isTroubled) {
      this.#paused.add(leader);
      this.#retryLater();
    }
    this.poke();
  }

  #request(places: readonly Place[]) {
    const { limits } = this.#parts;
    const isAskedAtEnd = places.some(
      ({ state, offset }) => offset >= state.bounds.end && state.demands.includes(offset),
    );
    const parts: FetchPart[] = places.map(({ state: { kafkaTopic, partition }, offset }) => ({
      topic: kafkaTopic,
      partition,
      offset,
    }));
    return fetchRequest(parts, { ...limits, maxWaitMs: isAskedAtEnd ? 0 : limits.maxWaitMs });
  }

  /** Gives whether a part of it failed in a way that may pass. */
  #take(places: readonly Place[], payload: Buffer): boolean {
    const { errorCode, parts } = readFetchAnswer(payload);
    if (errorCode !== 0)
      throw new VedetteError('LOG_UNAVAILABLE', `Kafka answered a fetch with ${errorName(errorCode)}`);
    let isTroubled = false;
    for (const part of parts) {
      const state = this.#byName.get(keyOf(part.topic, part.partition));
      const place = places.find((candidate) => candidate.state === state);
      if (!state || !place) continue;
      if (part.errorCode === 0) this.#takeBatches(place, part, payload);
      else if (!this.#isFinal(place, part)) isTroubled = true;
    }
    return isTroubled;
  }

  #takeBatches({ state, offset }: Place, part: FetchedPart, payload: Buffer): void {
    const { counters } = this.#parts;
    const sizeBytes = part.end - part.start;
    counters.fetchedBytes += sizeBytes;
    // A view would keep the whole answer in memory for as long as its slowest partition.
    const isSmallPart = sizeBytes < payload.length / 5;
    const bytes = isSmallPart ? Buffer.from(payload.subarray(part.start, part.end)) : payload;
    const range = isSmallPart ? { start: 0, end: sizeBytes } : { start: part.start, end: part.end };
    const { batches, damaged } = splitBatches(bytes, range);
    state.window.insert(offset, batches);
    const readers = state.readers();
    state.window.trim(Math.min(offset, ...readers));
    state.raise({ earliest: part.logStart, end: part.highWatermark });
    if (damaged !== undefined && batches.length === 0) {
      state.unreadableAt = offset;
      state.settle(
        offset,
        new VedetteError('LOG_CORRUPT', `record ${offset} of ${describe(state)} is damaged: ${damaged}`),
      );
    } else state.settle(offset);
  }

  /** Whether trying again is of no use: then whoever demanded it has been told. */
  #isFinal({ state, offset }: Place, part: FetchedPart): boolean {
    switch (part.errorCode) {
      case KAFKA_ERROR.offsetOutOfRange:
        state.raise({ earliest: part.logStart });
        state.forgetReader(offset);
        state.settle(offset, outOfRange(state, offset));
        return true;
      case KAFKA_ERROR.topicUnauthorized:
        state.settle('all', new VedetteError('UNAUTHORIZED', `Kafka does not let this user read ${state.kafkaTopic}`));
        return true;
      case KAFKA_ERROR.corruptMessage:
        state.settle(
          offset,
          new VedetteError('LOG_CORRUPT', `Kafka found record ${offset} of ${describe(state)} damaged`),
        );
        return true;
      default: {
        const missingSince = this.#parts.leaders.missingSince(state.kafkaTopic);
        if (missingSince !== undefined && Date.now() - missingSince > MISSING_MS) this.#deleted(state);
        return false;
      }
    }
  }

  #deleted(state: PartitionState): void {
    state.settle(
      'all',
      new VedetteError('NOT_FOUND', `the topic ${state.kafkaTopic} does not exist in Kafka any more`),
    );
  }

  /** Asks for the leaders again, and goes on. */
  #retryLater(): void {
    if (this.#retry || this.#isClosed) return;
    const delayMs = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#failures++);
    this.#retry = setTimeout(() => {
      void this.#parts.leaders
        .refresh()
        .catch((error: unknown) => {
          if (!(error instanceof VedetteError) || error.code !== 'UNAUTHORIZED') return;
          for (const state of this.#parts.partitions) state.settle('all', error);
        })
        .finally(() => {
          this.#retry = undefined;
          this.#paused.clear();
          for (const state of this.#parts.partitions) {
            const missingSince = this.#parts.leaders.missingSince(state.kafkaTopic);
            if (missingSince !== undefined && Date.now() - missingSince > MISSING_MS) this.#deleted(state);
          }
          this.poke();
        });
    }, delayMs);
  }
}

interface Place {
  readonly state: PartitionState;
  readonly offset: number;
}

function outOfRange(state: PartitionState, offset: number): VedetteError {
  const { earliest, end } = state.bounds;
  return offset < earliest
    ? new VedetteError('LOG_RANGE', `record ${offset} of ${describe(state)} is gone: the log begins at ${earliest}`)
    : new VedetteError(
        'LOG_RANGE',
        `record ${offset} of ${describe(state)} does not exist: either it lies beyond the end (${end} as last heard), or the ` +
          'topic was deleted and made again',
      );
}

function describe({ kafkaTopic, partition }: PartitionState): string {
  return `${kafkaTopic}/${partition}`;
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
