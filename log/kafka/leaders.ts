import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections } from './connections.ts';
import { KAFKA_ERROR } from './protocol-types.ts';

/** Two questions for the leaders lie at least so far apart. */
const SPACING_MS = 100;

/** Which broker leads which partition, as last heard. */
export class Leaders {
  readonly #connections: Connections;
  readonly #topics: readonly string[];
  readonly #leaders = new Map<string, Map<number, number>>();
  readonly #missingSince = new Map<string, number>();
  #asked = 0;
  #refreshing: Promise<void> | undefined;

  constructor(connections: Connections, topics: readonly string[]) {
    this.#connections = connections;
    this.#topics = topics;
  }

  /** −1: none that is known. */
  of(topic: string, partition: number): number {
    return this.#leaders.get(topic)?.get(partition) ?? -1;
  }

  /** Since when the brokers say that there is no such topic, Unix ms; undefined: there is. */
  missingSince(topic: string): number | undefined {
    return this.#missingSince.get(topic);
  }

  /** Asks again; those who ask at the same time share one answer. Errors: UNAUTHORIZED, LOG_UNAVAILABLE. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const waitMs = this.#asked + SPACING_MS - Date.now();
    if (waitMs > 0) await sleep(waitMs);
    this.#asked = Date.now();
    const { topics } = await this.#connections.metadata(this.#topics);
    for (const { topic, topicErrorCode, partitionMetadata } of topics) {
      if (topicErrorCode === KAFKA_ERROR.unknownTopicOrPartition) {
        if (!this.#missingSince.has(topic)) this.#missingSince.set(topic, Date.now());
      } else this.#missingSince.delete(topic);
      this.#leaders.set(topic, new Map(partitionMetadata.map(({ partitionId, leader }) => [partitionId, leader])));
    }
  }
}
