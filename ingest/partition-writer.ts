import type { EventLog } from '../log/event-log.ts';
import { EventBlockBuilder } from './block-builder.ts';

/** Raw bytes after which a block is closed, whatever its rows. */
const BLOCK_BYTES = 2 << 20;

/**
 * Blocks of one partition on their way into the log: in order, one append in flight, and none after a failed one.
 */
export class PartitionWriter {
  readonly builder: EventBlockBuilder;
  private readonly log: EventLog;
  private readonly topic: string;
  private readonly partition: number;
  private queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private draining: Promise<void> | undefined;
  private failure: Error | undefined;

  constructor(options: { log: EventLog; topic: string; partition: number; blockRows: number }) {
    this.log = options.log;
    this.topic = options.topic;
    this.partition = options.partition;
    this.builder = new EventBlockBuilder({ capacity: options.blockRows });
  }

  /** Bytes that wait for the log. */
  get pendingBytes(): number {
    return this.queuedBytes;
  }

  /** Closes the block if it is full. To be called after each row and control record. */
  closeIfFull(): void {
    if (this.builder.isFull || this.builder.rawBytes >= BLOCK_BYTES) this.close();
  }

  /** Sends off what there is, and resolves once all of it is durable. Rejects with the first failed append's error. */
  async flush(): Promise<void> {
    if (!this.builder.isEmpty) this.close();
    await this.draining;
    if (this.failure) throw this.failure;
  }

  private close(): void {
    const block = this.builder.take();
    this.queue.push(block);
    this.queuedBytes += block.length;
    this.draining ??= this.drain();
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0 && !this.failure) {
      const blocks = this.queue;
      this.queue = [];
      try {
        await this.log.append(this.topic, this.partition, blocks);
      } catch (error) {
        // Later blocks must not overtake this one: the writer stops here, and its owner reads again from what is durable.
        this.failure = error instanceof Error ? error : new Error(String(error));
      }
      for (const block of blocks) this.queuedBytes -= block.length;
    }
    this.draining = undefined;
  }
}
