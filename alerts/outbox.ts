/** A notification that is to be sent. */
export interface Delivery {
  /** Uid of the event: a receiver that has seen it drops the second. */
  readonly id: string;
  /** Deliveries of one alert are sent in the order of this. */
  readonly sequence: number;
  readonly alertUid: string;
  /** Wall clock, ms. */
  readonly createdMs: number;
  readonly attempts: number;
  /** Not to be tried before, wall clock ms. */
  readonly notBeforeMs: number;
  /** What is sent, byte for byte, at every attempt. */
  readonly body: string;
}

/** Notifications that are not sent yet, kept over restarts. At-least-once: what is sent and not yet removed is found again. */
export interface Outbox {
  /** Stores deliveries by their sequence, also over what is there; resolves once durable. */
  put(deliveries: readonly Delivery[]): Promise<void>;
  /** Resolves once durable. */
  remove(sequence: number): Promise<void>;
  /** All, in the order of sequence. */
  pending(): Promise<Delivery[]>;
  close(): Promise<void>;
}
