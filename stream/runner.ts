import type { CheckpointStore } from '../featurestore/checkpoint-store.ts';
import type { EventLog, LogEntry } from '../log/event-log.ts';
import { VedetteError, type ErrorCode } from '../model/errors.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import { takeSnapshot, restoreSnapshot, type Snapshotable } from './snapshot.ts';

/** Places at which a fault test ends the process. */
export type StreamPoint = 'block_read' | 'findings_written' | 'offset_committed';

export const STREAM_GROUP = 'stream';

export interface RunnerOptions {
  readonly log: EventLog;
  readonly checkpoints: CheckpointStore;
  readonly topic: string;
  readonly partition: number;
  /** Key of the checkpoints, and so of the group's position. */
  readonly name: string;
  readonly checkpointMs: number;
  /** Bytes of the log taken at a time. */
  readonly batchBytes: number;
  /** Shared by the runners of a process: checkpoints are read and written one after the other. */
  readonly oneAtATime: OneAtATime;
  /** Wall clock, ms: only for when to checkpoint. */
  readonly now: () => number;
  readonly at?: (point: StreamPoint) => void;
  readonly onWarning?: (message: string) => void;
}

export interface RunnerStatus {
  /** Next offset to be read. */
  readonly offset: number;
  readonly checkpoint?: {
    readonly atMs: number;
    readonly offset: number;
    readonly sizeBytes: number;
    readonly stallMs: number;
  };
}

/** A stage of one partition: what a runner drives. */
export interface Stage {
  readonly state: Snapshotable;
  /** Takes one record and resolves once all that it led to is durable elsewhere. Records come in order. */
  handle(entry: LogEntry): Promise<void> | void;
  /** Resolves once everything handled so far is durable. */
  settled(): Promise<void>;
}

/**
 * Drives one stage of one partition: reads records, lets the stage write their effects, and only when all effects up to
 * an offset are acknowledged publishes a checkpoint that says so, and then commits the offset. After a kill it loads
 * the newest good checkpoint and goes on from there; what is written twice has the same ids.
 */
export class Runner {
  private readonly options: RunnerOptions;
  private readonly stage: Stage;
  /** Records that could not be read, and were passed over. */
  damaged = 0;
  private next = 0;
  /** Offset below which every effect is acknowledged. */
  settledOffset = 0;
  private checkpointAt = 0;
  private checkpointed = -1;
  private writing: Promise<void> | undefined;
  private last: RunnerStatus['checkpoint'];

  constructor(stage: Stage, options: RunnerOptions) {
    this.stage = stage;
    this.options = options;
  }

  get status(): RunnerStatus {
    return { offset: this.next, ...(this.last ? { checkpoint: this.last } : {}) };
  }

  /** Restores the newest checkpoint. Before `run`. */
  restore(): Promise<void> {
    return this.options.oneAtATime.run(() => this.load());
  }

  private async load(): Promise<void> {
    const { checkpoints, name, log, topic, partition, onWarning } = this.options;
    const found = await checkpoints.load(name);
    this.next = log.bounds(topic, partition).earliest;
    if (found) {
      const meta = found.meta as { offset: number; snapshot: string };
      const dropped = await restoreSnapshot(this.stage.state, meta.snapshot, found.parts);
      for (const table of dropped) onWarning?.(`state of ${name} in "${table}" has another layout and starts anew`);
      if (meta.offset < this.next)
        onWarning?.(`the log of ${topic}/${partition} starts at ${this.next}, after the checkpoint's ${meta.offset}`);
      this.next = Math.max(this.next, meta.offset);
      this.checkpointed = meta.offset;
    }
    this.checkpointAt = this.options.now();
  }

  /** Runs until the signal aborts; then checkpoints once more. Rejects when the log or an effect fails. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if ((await this.step()) === 0) {
        await this.stage.settled();
        this.settledOffset = this.next;
        await this.checkpointIfDue();
        if (!signal.aborted) await this.waitForMore(signal);
      }
      // What is read from memory never leaves the microtask queue: let timers and requests have their turn.
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await this.checkpoint();
  }

  /** Takes what the log has, up to a batch; gives the number of records. A damaged one is passed over, and told. */
  async step(): Promise<number> {
    const { at } = this.options;
    const entries = await this.read();
    if (!entries) return 1;
    if (entries.length === 0) return 0;
    at?.('block_read');
    for (const entry of entries) {
      try {
        await this.stage.handle(entry);
      } catch (error) {
        this.passDamaged(error, 'BLOCK_CORRUPT', entry.offset);
      }
      this.next = entry.offset + 1;
    }
    await this.checkpointIfDue();
    return entries.length;
  }

  /** Undefined where the next record is damaged and was passed over. */
  private async read(): Promise<LogEntry[] | undefined> {
    const { log, topic, partition, batchBytes } = this.options;
    try {
      return await log.read(topic, partition, this.next, { maxBytes: batchBytes });
    } catch (error) {
      this.passDamaged(error, 'LOG_CORRUPT', this.next);
      this.next++;
      return undefined;
    }
  }

  private passDamaged(error: unknown, code: ErrorCode, offset: number): void {
    if (!(error instanceof VedetteError) || error.code !== code) throw error;
    this.damaged++;
    const { topic, partition, onWarning } = this.options;
    onWarning?.(`record ${offset} of ${topic}/${partition} is damaged and is passed over: ${error.message}`);
  }

  /** Writes a checkpoint of the state as it is now, and resolves once its offset is committed. */
  async checkpoint(): Promise<void> {
    await this.writing;
    await this.options.oneAtATime.run(async () => {
      await this.stage.settled();
      this.at('findings_written');
      if (this.next !== this.checkpointed) await this.write();
    });
  }

  private async checkpointIfDue(): Promise<void> {
    const { now, checkpointMs, oneAtATime } = this.options;
    if (this.writing || now() - this.checkpointAt < checkpointMs || this.next === this.checkpointed) return;
    if (!oneAtATime.isFree) return;
    await this.stage.settled();
    // Another may have begun meanwhile. What is written must be the state as it is now, with all its effects.
    if (!oneAtATime.isFree) return;
    this.at('findings_written');
    // Not awaited: the stage goes on while its frozen pages are written. A failed write shows at the next checkpoint.
    this.writing = oneAtATime
      .run(() => this.write())
      .finally(() => {
        this.writing = undefined;
      });
    this.writing.catch((error: unknown) =>
      this.options.onWarning?.(`checkpoint of ${this.options.name} failed: ${String(error)}`),
    );
  }

  private async write(): Promise<void> {
    const { checkpoints, name, log, topic, partition, now } = this.options;
    const offset = this.next;
    const started = performance.now();
    const snapshot = takeSnapshot(this.stage.state);
    const stallMs = performance.now() - started;
    this.checkpointAt = now();
    const writer = await checkpoints.begin(name);
    let sizeBytes: number;
    try {
      for (const part of snapshot.parts) await writer.write(part.name, part.bytes());
      ({ sizeBytes } = await writer.commit({ offset, snapshot: snapshot.meta }));
    } catch (error) {
      await writer.abort();
      throw error;
    } finally {
      snapshot.release();
    }
    await log.commit(STREAM_GROUP, topic, partition, { offset, metadata: name });
    this.at('offset_committed');
    this.checkpointed = offset;
    this.last = { atMs: now(), offset, sizeBytes, stallMs };
  }

  private async waitForMore(signal: AbortSignal): Promise<void> {
    const { log, topic, partition, checkpointMs } = this.options;
    // Also wakes up to checkpoint what came last, when nothing comes any more.
    const due = new AbortController();
    const timer = this.next === this.checkpointed ? undefined : setTimeout(() => due.abort(), checkpointMs);
    await log.wait(topic, partition, this.next, AbortSignal.any([signal, due.signal]));
    clearTimeout(timer);
  }

  private at(point: StreamPoint): void {
    this.options.at?.(point);
  }
}
