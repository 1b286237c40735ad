import type { Connections } from './connections.ts';
import type { KafkaCounters } from './counters.ts';
import type { GroupPosition } from '../event-log.ts';
import type { GroupPartition } from '../position-store.ts';
import { kafkaName } from './topics.ts';

const EVERY_MS = 1000;
/** Of a group that no member has joined: its name alone. */
const NO_GENERATION = -1;

/**
 * Tells Kafka's own groups where ours are, once a second at most, so that its tools show lag. Nothing reads it back; what
 * fails is counted, and the next one replaces it. A group of this name must have no members: Kafka would refuse.
 */
export class PositionMirror {
  readonly #connections: Connections;
  readonly #prefix: string;
  readonly #counters: KafkaCounters;
  readonly #pending = new Map<string, Map<string, { place: GroupPartition; offset: number }>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { readonly connections: Connections; readonly prefix: string; readonly counters: KafkaCounters }) {
    this.#connections = parts.connections;
    this.#prefix = parts.prefix;
    this.#counters = parts.counters;
  }

  take(place: GroupPartition, { offset }: GroupPosition): void {
    let group = this.#pending.get(place.group);
    if (!group) {
      group = new Map();
      this.#pending.set(place.group, group);
    }
    group.set(`${place.topic}/${place.partition}`, { place, offset });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, EVERY_MS).unref();
  }

  /** Sends what waits. */
  async flush(): Promise<void> {
    const groups = [...this.#pending];
    this.#pending.clear();
    await Promise.all(groups.map(([group, positions]) => this.#send(group, [...positions.values()])));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #send(group: string, positions: readonly { place: GroupPartition; offset: number }[]): Promise<void> {
    const groupId = kafkaName(this.#prefix, group);
    try {
      const lane = await this.#connections.lane(await this.#connections.coordinator(groupId), 'control');
      const { responses } = await lane.call('OffsetCommit', {
        groupId,
        groupGenerationId: NO_GENERATION,
        memberId: '',
        topics: positions.map(({ place, offset }) => ({
          topic: kafkaName(this.#prefix, place.topic),
          partitions: [{ partition: place.partition, offset: String(offset), metadata: '' }],
        })),
      });
      const failed = responses.flatMap(({ partitions }) => partitions.filter(({ errorCode }) => errorCode !== 0));
      this.#counters.mirrorFailures += failed.length;
    } catch {
      this.#counters.mirrorFailures += positions.length;
    }
  }
}
