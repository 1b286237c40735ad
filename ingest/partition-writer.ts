import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '../log/event-log.ts';
import { asError, VedetteError } from '../model/errors.ts';
import type { ControlKind } from '../model/event-block.ts';
import { EventBlockBuilder, type RowContext } from './block-builder.ts';
import { BlockMemory } from './block-memory.ts';
import type { EventRow } from './event-row.ts';

/** Raw bytes after which a block is closed, whatever its rows. */
const BLOCK_BYTES = 2 << 20;
const RETRY_MS = 500;

/**
 * Blocks of one partition on their way into the log: in order, one append in flight, and none after a failed one.
 */
export class PartitionWriter {
  private readonly builder: EventBlockBuilder;
  private readonly log: EventLog;
  private readonly topic: string;
  private readonly partition: number;
  private queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private readonly memory = new BlockMemory();
  private draining: Promise<void> | undefined;
  private failure: Error | undefined;
  /** What keeps the log from taking records just now; they wait. */
  waitingFor: VedetteError | undefined;

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

  append(row: EventRow, context: RowContext): void {
    // What comes again, such as a message that was published twice, is in a block behind the one that has it.
    if (!this.builder.isRising(context)) this.close();
    this.builder.append(row, context);
    this.closeIfFull();
  }

  control(kind: ControlKind, source: string, timeMs: number, payload: string): void {
    this.builder.control(kind, source, timeMs, payload);
    this.closeIfFull();
  }

  private closeIfFull(): void {
    if (this.builder.isFull || this.builder.rawBytes >= BLOCK_BYTES) this.close();
  }

  /** Sends off what there is, and resolves once all of it is durable. Rejects with the first failed append's error. */
  async flush(): Promise<void> {
    if (!this.builder.isEmpty) this.close();
    await this.draining;
    if (this.failure) throw this.failure;
  }

  private close(): void {
    const block = this.builder.take(this.memory.allocate);
    this.queue.push(block);
    this.queuedBytes += block.length;
    this.draining ??= this.drain();
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0 && !this.failure) {
      const blocks = this.queue;
      this.queue = [];
      const isFree = await this.store(blocks);
      for (const block of blocks) {
        this.queuedBytes -= block.length;
        if (isFree) this.memory.release(block);
      }
    }
    this.draining = undefined;
  }

  /**
   * Appends, and tries again for as long as the obstacle is one that passes. Later blocks never overtake these. Gives
   * whether nobody can have hold of the blocks any more.
   */
  private async store(blocks: readonly Uint8Array[]): Promise<boolean> {
    for (let isFirst = true; ; isFirst = false) {
      try {
        await this.log.append(this.topic, this.partition, blocks);
        this.waitingFor = undefined;
        return isFirst;
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retry) {
          this.failure = asError(error);
          return false;
        }
        this.waitingFor = error;
        await sleep(RETRY_MS);
      }
    }
  }
}
