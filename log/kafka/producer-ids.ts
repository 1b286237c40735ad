import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import { errorName } from './kafkajs.ts';
import { KAFKA_ERROR } from './protocol-types.ts';

export interface ProducerIdentity {
  /** −1: batches are nobody's, and are stored as often as they are sent. */
  readonly producerId: bigint;
  readonly epoch: number;
}

/** The number by which the brokers know this process's batches; partitions count theirs each for themselves. */
export class ProducerIds {
  readonly #connections: Connections;
  #current: Promise<ProducerIdentity> | undefined;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  get(): Promise<ProducerIdentity> {
    if (!this.#current) {
      const asked = this.#ask();
      this.#current = asked;
      asked.catch(() => {
        if (this.#current === asked) this.#current = undefined;
      });
    }
    return this.#current;
  }

  /** Has the next `get` ask for another than this one. */
  renew(identity: ProducerIdentity): void {
    const held = this.#current;
    void held?.then(
      ({ producerId }) => {
        if (producerId === identity.producerId && this.#current === held) this.#current = undefined;
      },
      () => undefined,
    );
  }

  async #ask(): Promise<ProducerIdentity> {
    const { errorCode, producerId, producerEpoch } = await this.#connections.callAny('InitProducerId', {});
    // Brokers before 2.8 want a right of its own for this.
    if (errorCode === KAFKA_ERROR.clusterUnauthorized) return { producerId: -1n, epoch: -1 };
    if (errorCode !== 0)
      throw new VedetteError('LOG_UNAVAILABLE', `Kafka gave no producer id: ${errorName(errorCode)}`);
    return { producerId: BigInt(producerId), epoch: producerEpoch };
  }
}
