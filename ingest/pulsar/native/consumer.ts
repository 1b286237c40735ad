import { asError, VedetteError } from '../../../model/errors.ts';
import type { ConsumeOptions, RawConsumer, ReceivedMessage } from '../../raw-log.ts';
import { Backoff } from '../backoff.ts';
import { parseMessageId } from '../message-id.ts';
import type { NativeMessage, NativeSubscription } from './client-module.ts';

interface Delivered extends ReceivedMessage {
  readonly native: NativeMessage;
}

/**
 * One partition of a Failover subscription. The client reconnects by itself, and does not say so: what was not
 * acknowledged then comes again without {@link ConsumeOptions.onReset}, which whoever keeps the order of ids sees.
 */
export class NativeConsumer implements RawConsumer {
  private readonly options: ConsumeOptions;
  private readonly closing: () => void;
  private readonly running: Promise<void>;
  private subscription: NativeSubscription | undefined;
  private permits: number;
  private permitted: () => void = () => undefined;
  private isClosed = false;
  private isRenewing = false;

  constructor(options: ConsumeOptions, subscribe: () => Promise<NativeSubscription>, closing: () => void) {
    this.options = options;
    this.closing = closing;
    this.permits = options.permits;
    this.running = this.run(subscribe).catch((error: unknown) => {
      if (!this.isClosed) options.onFailed(asError(error));
    });
  }

  get isConnected(): boolean {
    return this.subscription?.isConnected() ?? false;
  }

  ack(messages: readonly ReceivedMessage[]): void {
    for (const message of messages as readonly Delivered[]) {
      // An acknowledgement that gets lost only means that the message comes again.
      this.subscription?.acknowledge(message.native).catch(() => undefined);
    }
    this.permits += messages.length;
    this.permitted();
  }

  /** By another subscription of the same name. */
  redeliver(): void {
    this.isRenewing = true;
    this.permitted();
    // Ends a receive that waits.
    this.subscription?.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.permitted();
    // Ends a receive that waits.
    await this.subscription?.close();
    await this.running;
    this.closing();
  }

  private async run(subscribe: () => Promise<NativeSubscription>): Promise<void> {
    while (!this.isClosed) {
      const subscription = await this.subscribed(subscribe);
      if (!subscription) return;
      try {
        await this.receive(subscription);
      } catch (error) {
        if (!this.isRenewing) throw error;
      }
      if (this.isClosed) return;
      this.isRenewing = false;
      this.permits = this.options.permits;
      this.options.onReset();
    }
  }

  /** Until it is closed, or renewed. */
  private async receive(subscription: NativeSubscription): Promise<void> {
    while (!this.isClosed && !this.isRenewing) {
      if (this.permits === 0) {
        await new Promise<void>((resolve) => {
          this.permitted = resolve;
        });
        continue;
      }
      const message = await subscription.receive();
      if (this.isClosed || this.isRenewing) return;
      this.permits--;
      this.options.onMessage(read(message));
    }
  }

  private async subscribed(subscribe: () => Promise<NativeSubscription>): Promise<NativeSubscription | undefined> {
    const backoff = new Backoff();
    while (!this.isClosed) {
      try {
        return (this.subscription = await subscribe());
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        if (/Authentication|Authorization/i.test(said))
          throw new VedetteError('UNAUTHORIZED', `Pulsar refuses the token: ${said}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
    return undefined;
  }
}

function read(native: NativeMessage): Delivered {
  const key = native.getPartitionKey();
  const id = parseMessageId(native.getMessageId().serialize());
  if (!id) throw new VedetteError('UNSUPPORTED', 'pulsar-client gives message ids of another form');
  return {
    id,
    payload: native.getData(),
    properties: native.getProperties(),
    publishedMs: native.getPublishTimestamp(),
    ...(key === '' ? {} : { key }),
    native,
  };
}
