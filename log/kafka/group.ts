import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';
import { connectionOptions } from './access.ts';
import { Connections } from './connections.ts';
import type { AssignableTopic, TopicPartition } from './group-assign.ts';
import { GroupSession, type JoinedGroup } from './group-session.ts';
import { Handover, type GroupAssignment } from './handover.ts';
import type { KafkaAccess } from './options.ts';
import { kafkaName } from './topics.ts';

export interface GroupOptions {
  readonly kafka: KafkaAccess & { readonly prefix: string };
  /** Without the prefix. Not a name that positions are mirrored under: Kafka takes these of a group without members only. */
  readonly groupId: string;
  /** What is dealt out; all members must say the same. */
  readonly topics: readonly AssignableTopic[];
  /** A member that was not heard of for so long loses its partitions, ms. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** How long the others wait for a member when partitions are dealt out, ms. */
  readonly rebalanceTimeoutMs: number;
  /**
   * Called after each dealing, one call at a time. What is `removed` goes to another member once this has resolved; what
   * is `added` may be begun at once; all else goes on untouched.
   */
  readonly onAssigned: (assignment: GroupAssignment) => void | Promise<void>;
  /** The group has given everything to others, because this process was frozen or cut off. It joins again by itself. */
  readonly onLost: () => void | Promise<void>;
  /** A callback failed, or Kafka refuses this user: the member has left. */
  readonly onFailed: (error: unknown) => void;
}

export interface GroupMember {
  /** What was assigned last. */
  readonly partitions: readonly TopicPartition[];
  /** Leaves at once, so that others take over at once. Calls no callback: the caller has ended its work before. */
  leave(): Promise<void>;
}

const RETRY_MS = 250;

/**
 * Joins a consumer group for its membership alone: who works on which partitions. Reading and committing are elsewhere,
 * and guarded by epochs; so while the coordinator cannot be reached, members go on with what they have. Heartbeats go out
 * on a connection of their own. Resolves once the first assignment is there. Errors: UNAUTHORIZED, CONFIG_INVALID (Kafka
 * refuses the session timeout); outages are waited for.
 */
export async function joinGroup(options: GroupOptions): Promise<GroupMember> {
  const connection = await connectionOptions(options.kafka);
  // A coordinator that is frozen is given up while there is still time to find the next one.
  const requestTimeoutMs = Math.min(connection.requestTimeoutMs, options.sessionTimeoutMs / 2);
  const membership = new Membership(options, new Connections({ ...connection, requestTimeoutMs }));
  await membership.start();
  return membership;
}

class Membership implements GroupMember {
  readonly #options: GroupOptions;
  readonly #connections: Connections;
  readonly #session: GroupSession;
  readonly #handover: Handover;
  #stop = new AbortController();
  /** Aborted to have the member join again. */
  #rejoin = new AbortController();

  constructor(options: GroupOptions, connections: Connections) {
    const { kafka, groupId, topics } = options;
    this.#options = options;
    this.#connections = connections;
    this.#session = new GroupSession(connections, {
      groupId: kafkaName(kafka.prefix, groupId),
      topics: topics.map((topic) => ({ ...topic, name: kafkaName(kafka.prefix, topic.name) })),
      sessionTimeoutMs: options.sessionTimeoutMs,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs,
    });
    this.#handover = new Handover({
      onAssigned: options.onAssigned,
      onLost: options.onLost,
      onReleased: () => this.#rejoin.abort(),
      onFailed: (error) => void this.#fail(error),
    });
  }

  get partitions(): readonly TopicPartition[] {
    return this.#handover.assigned;
  }

  async start(): Promise<void> {
    let onStarted = (): void => undefined;
    const started = new Promise<void>((resolve) => (onStarted = resolve));
    const running = this.#run(onStarted);
    try {
      await Promise.race([started, running]);
    } catch (error) {
      this.#connections.close();
      throw error;
    }
    running.catch((error: unknown) => this.#fail(error));
  }

  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#rejoin.abort();
    this.#handover.close();
    await this.#session.leave();
    this.#connections.close();
  }

  /** Kafka knows topics by their names with the prefix, the program without. */
  readonly #outside = ({ topic, partition }: TopicPartition): TopicPartition => ({
    topic: kafkaName(this.#options.kafka.prefix, topic),
    partition,
  });

  readonly #inside = ({ topic, partition }: TopicPartition): TopicPartition => ({
    topic: topic.slice(this.#options.kafka.prefix.length + 1),
    partition,
  });

  async #fail(error: unknown): Promise<void> {
    await this.leave();
    this.#options.onFailed(error);
  }

  async #run(onStarted: () => void): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        this.#rejoin = new AbortController();
        const { generation, held } = this.#handover.held;
        const joined = await this.#session.join({ generation, held: held.map(this.#outside) });
        if (this.#stop.signal.aborted) return;
        if (joined === 'lost') {
          this.#handover.lose();
          continue;
        }
        if (joined === 'again') continue;
        this.#handover.take({ ...joined, partitions: joined.partitions.map(this.#inside) });
        onStarted();
        if ((await this.#beat(joined)) === 'lost') this.#handover.lose();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!(error instanceof VedetteError) || !error.retry) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** Heartbeats until it is time to join again. While nobody answers, it stays: who coordinates later will say. */
  async #beat({ generation }: JoinedGroup): Promise<'again' | 'lost'> {
    const { signal } = this.#rejoin;
    let isAway = false;
    for (;;) {
      await sleep(isAway ? RETRY_MS : this.#options.heartbeatMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return 'again';
      try {
        const state = await this.#session.heartbeat(generation);
        if (state !== 'stable') return state;
        isAway = false;
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retry) throw error;
        isAway = true;
      }
    }
  }
}
