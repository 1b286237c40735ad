import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';
import type { ApiVersions } from './kafkajs.ts';
import { Lane, type BrokerAddress, type LaneOptions } from './lane.ts';
import { KAFKA_ERROR, type ApiCalls, type TopicMetadata } from './protocol-types.ts';

export interface ConnectionOptions extends LaneOptions {
  /** `host:port`; any of them that answers tells of the others. */
  readonly brokers: readonly string[];
}

export interface ClusterMetadata {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly TopicMetadata[];
}

/** A connection that failed is not tried again before. */
const RETRY_MS = 200;

/**
 * Connections to the brokers of a cluster, each made when it is first asked for and made anew once it is dead. Nothing
 * here tries for longer than one attempt at each broker: whoever asks knows how long it can wait.
 *
 * Errors: UNAUTHORIZED, LOG_UNAVAILABLE.
 */
export class Connections {
  readonly options: ConnectionOptions;
  readonly #seeds: readonly BrokerAddress[];
  readonly #nodes = new Map<number, BrokerAddress>();
  readonly #lanes = new Map<string, { address: BrokerAddress; lane: Promise<Lane>; failedAt?: number }>();
  readonly #versions = new Map<string, ApiVersions>();
  /** When a broker last gave no answer, Unix ms: it is asked after the others, since it may be frozen and not gone. */
  readonly #failedAt = new Map<string, number>();
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.options = options;
    this.#seeds = options.brokers.map(parseAddress);
  }

  /** The connection of a broker for one use. */
  async lane(nodeId: number, use: string): Promise<Lane> {
    const address = this.#nodes.get(nodeId);
    if (!address) throw new VedetteError('LOG_UNAVAILABLE', `Kafka has not named a broker ${nodeId} yet`);
    return this.#laneTo(address, `${nodeId}/${use}`);
  }

  /** Calls whichever broker answers first, from the known ones on to those of the configuration. */
  async callAny<Name extends keyof ApiCalls>(
    name: Name,
    args: ApiCalls[Name]['args'],
  ): Promise<ApiCalls[Name]['answer']> {
    let failure: unknown = new VedetteError('LOG_UNAVAILABLE', 'no broker of Kafka is known');
    const known = [...this.#nodes].map(([nodeId, address]) => ({ key: `${nodeId}/control`, address }));
    const seeds = this.#seeds.map((address) => ({ key: `${address.host}:${address.port}/control`, address }));
    const failedAt = ({ key }: { readonly key: string }) => this.#failedAt.get(key) ?? 0;
    for (const { key, address } of [...known.sort((a, b) => failedAt(a) - failedAt(b)), ...seeds]) {
      try {
        const answer = await (await this.#laneTo(address, key)).call(name, args);
        this.#failedAt.delete(key);
        return answer;
      } catch (error) {
        if (error instanceof VedetteError && error.code === 'UNAUTHORIZED') throw error;
        this.#failedAt.set(key, Date.now());
        failure = error;
      }
    }
    throw failure;
  }

  async metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    const answer = await this.callAny('Metadata', { topics, allowAutoTopicCreation: false });
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, { host, port });
    for (const nodeId of this.#nodes.keys()) {
      if (!answer.brokers.some((broker) => broker.nodeId === nodeId)) this.#nodes.delete(nodeId);
    }
    const { clusterId, controllerId, brokers, topicMetadata } = answer;
    return { clusterId, controllerId, brokers, topics: topicMetadata };
  }

  /** The broker that coordinates a group now. */
  async coordinator(groupId: string): Promise<number> {
    const answer = await this.callAny('GroupCoordinator', { groupId, coordinatorType: 0 });
    if (answer.errorCode === KAFKA_ERROR.groupUnauthorized) {
      throw new VedetteError('UNAUTHORIZED', `Kafka does not let this user into the group ${groupId}`);
    }
    if (answer.errorCode !== 0)
      throw new VedetteError('LOG_UNAVAILABLE', `the group ${groupId} has no coordinator now`);
    const { nodeId, host, port } = answer.coordinator;
    this.#nodes.set(nodeId, { host, port });
    return nodeId;
  }

  close(): void {
    this.#isClosed = true;
    for (const { lane } of this.#lanes.values()) abandon(lane);
    this.#lanes.clear();
  }

  async #laneTo(address: BrokerAddress, key: string): Promise<Lane> {
    const held = this.#lanes.get(key);
    if (held?.address.host === address.host && held.address.port === address.port) {
      const waitMs = (held.failedAt ?? 0) + RETRY_MS - Date.now();
      if (held.failedAt === undefined) {
        const lane = await held.lane;
        if (!lane.isDead) return lane;
      } else if (waitMs > 0) await sleep(waitMs);
    } else if (held) abandon(held.lane);
    if (this.#isClosed) throw new VedetteError('LOG_UNAVAILABLE', 'the log is closed');
    // Another caller may have made it meanwhile.
    const now = this.#lanes.get(key);
    if (now && now !== held) return now.lane;
    return this.#connect(address, key);
  }

  #connect(address: BrokerAddress, key: string): Promise<Lane> {
    const broker = `${address.host}:${address.port}`;
    const entry: { address: BrokerAddress; lane: Promise<Lane>; failedAt?: number } = {
      address,
      lane: Lane.connect(address, this.options, this.#versions.get(broker)).then(
        (lane) => {
          this.#versions.set(broker, lane.versions);
          if (this.#isClosed) lane.destroy();
          return lane;
        },
        (error: unknown) => {
          // It may come back as another version.
          this.#versions.delete(broker);
          entry.failedAt = Date.now();
          throw error;
        },
      ),
    };
    this.#lanes.set(key, entry);
    return entry.lane;
  }
}

/** Ends a connection that nobody wants any more, also one that is still being made. */
function abandon(lane: Promise<Lane>): void {
  lane.then(
    (open) => open.destroy(),
    () => undefined,
  );
}

function parseAddress(text: string): BrokerAddress {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
}
