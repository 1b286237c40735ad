import { VedetteError } from '../../../model/errors.ts';

/** What is used of the npm package `pulsar-client`: declared here, since it is not installed everywhere. */
interface PulsarClientModule {
  readonly Client: new (config: {
    readonly serviceUrl: string;
    readonly operationTimeoutSeconds: number;
    readonly authentication?: unknown;
  }) => NativeClient;
  readonly AuthenticationToken: new (config: { readonly token: string }) => unknown;
}

export interface NativeClient {
  createProducer(config: {
    readonly topic: string;
    readonly producerName: string;
    readonly sendTimeoutMs: number;
    readonly blockIfQueueFull: boolean;
    readonly batchingEnabled: boolean;
  }): Promise<NativeProducer>;
  subscribe(config: {
    readonly topic: string;
    readonly subscription: string;
    readonly subscriptionType: 'Failover';
    readonly subscriptionInitialPosition: 'Earliest';
    readonly consumerName: string;
    readonly receiverQueueSize: number;
  }): Promise<NativeSubscription>;
  close(): Promise<unknown>;
}

export interface NativeProducer {
  send(message: {
    readonly data: Buffer;
    readonly properties: Record<string, string>;
    readonly partitionKey?: string;
  }): Promise<NativeMessageId>;
}

export interface NativeSubscription {
  receive(): Promise<NativeMessage>;
  acknowledge(message: NativeMessage): Promise<unknown>;
  isConnected(): boolean;
  close(): Promise<unknown>;
}

interface NativeMessageId {
  serialize(): Buffer;
}

export interface NativeMessage {
  getMessageId(): NativeMessageId;
  getData(): Buffer;
  getProperties(): Record<string, string>;
  /** ms since 1970 UTC. */
  getPublishTimestamp(): number;
  getPartitionKey(): string;
}

const PACKAGE = 'pulsar-client';

/** @throws VedetteError UNSUPPORTED where the package is not installed or does not load */
export async function loadPulsarClient(): Promise<PulsarClientModule> {
  try {
    const loaded = (await import(PACKAGE)) as PulsarClientModule & { readonly default?: PulsarClientModule };
    return loaded.default ?? loaded;
  } catch (error) {
    throw new VedetteError(
      'UNSUPPORTED',
      'pulsar.transport is native, and the npm package pulsar-client cannot be loaded: install it (it needs a prebuilt ' +
        "binary for this platform, or libpulsar's headers to be built with), or set pulsar.transport to websocket",
      { cause: error },
    );
  }
}
