import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import { produceRequest, readProduceAnswer, type ProducedPart, type ProducePart } from './produce-protocol.ts';

/** A broker handles one request of a connection after the other: a second on the way keeps it from waiting for us. */
const IN_FLIGHT = 2;

interface Pending {
  readonly part: ProducePart;
  readonly resolve: (produced: ProducedPart) => void;
  readonly reject: (error: unknown) => void;
}

/** Brings the batches of all partitions to their leaders: what came while requests were on their way goes in the next. */
export class ProduceLanes {
  readonly #connections: Connections;
  readonly #limits: { readonly requestBytes: number; readonly replicasMs: number };
  readonly #nodes = new Map<number, { pending: Pending[]; inFlight: number }>();

  constructor(connections: Connections, limits: { readonly requestBytes: number; readonly replicasMs: number }) {
    this.#connections = connections;
    this.#limits = limits;
  }

  /**
   * Gives what the broker said of this partition. Errors: LOG_UNAVAILABLE where it said nothing of it: then it may be
   * stored or not. A partition has one batch on its way, not more.
   */
  send(nodeId: number, part: ProducePart): Promise<ProducedPart> {
    let node = this.#nodes.get(nodeId);
    if (!node) {
      node = { pending: [], inFlight: 0 };
      this.#nodes.set(nodeId, node);
    }
    const { pending } = node;
    return new Promise((resolve, reject) => {
      pending.push({ part, resolve, reject });
      // After this turn, so that what other partitions send now goes with it.
      if (pending.length === 1) setImmediate(() => this.#flush(nodeId));
    });
  }

  #flush(nodeId: number): void {
    const node = this.#nodes.get(nodeId)!;
    while (node.pending.length > 0 && node.inFlight < IN_FLIGHT) {
      let bytes = 0;
      let count = 0;
      for (const { part } of node.pending) {
        bytes += part.batch.length;
        if (count > 0 && bytes > this.#limits.requestBytes) break;
        count++;
      }
      const group = node.pending.splice(0, count);
      node.inFlight++;
      void this.#send(nodeId, group).finally(() => {
        node.inFlight--;
        this.#flush(nodeId);
      });
    }
  }

  async #send(nodeId: number, group: readonly Pending[]): Promise<void> {
    try {
      const lane = await this.#connections.lane(nodeId, 'produce');
      const parts = group.map(({ part }) => part);
      const produced = readProduceAnswer(await lane.send(produceRequest(parts, this.#limits.replicasMs)));
      for (const { part, resolve, reject } of group) {
        const own = produced.find(({ topic, partition }) => topic === part.topic && partition === part.partition);
        if (own) resolve(own);
        else
          reject(new VedetteError('LOG_UNAVAILABLE', `Kafka's answer does not name ${part.topic}/${part.partition}`));
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
