import { openCheckpointFiles } from '../../featurestore/files/index.ts';
import type { CheckpointStore } from '../../featurestore/checkpoint-store.ts';
import type { KafkaConfig } from '../../config/kafka.ts';
import { openKafkaLog } from '../../log/kafka/index.ts';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';
import { takeSnapshot } from '../../stream/snapshot.ts';
import { FlowRecord } from './flow-record.ts';
import { JobPartition } from './job-partition.ts';
import { NO_POSITIONS } from './no-positions.ts';
import { peakMemoryMb } from '../cluster/processes.ts';
import { Reporter, untilGo } from '../cluster/worker-link.ts';

export interface JobInput {
  readonly kafka: KafkaConfig;
  readonly topic: string;
  readonly partitions: number;
  /** Of this worker. */
  readonly own: readonly number[];
  readonly alertsTopic: string;
  readonly alertPartitions: number;
  readonly checkpointMs: number;
  readonly checkpointDir: string;
}

export interface JobResult {
  readonly flows: number;
  readonly unreadable: number;
  readonly evaluations: number;
  readonly alerts: number;
  readonly checkpoints: number;
  readonly peakMb: number;
}

const READ_BYTES = 1 << 20;

/** One process of job J, from the first record of its partitions to the last. */
export async function runJob(input: JobInput): Promise<JobResult> {
  const { kafka, topic, partitions, alertsTopic, alertPartitions } = input;
  const log = await openKafkaLog({
    kafka,
    topics: [
      { name: topic, partitions },
      { name: alertsTopic, partitions: alertPartitions },
    ],
    positions: NO_POSITIONS,
  });
  const checkpoints = await openCheckpointFiles({ dir: input.checkpointDir });
  const worker = new JobWorker(input, { log, checkpoints });
  await untilGo();
  try {
    await worker.run();
  } finally {
    await log.close();
  }
  return { ...worker.totals(), peakMb: peakMemoryMb() };
}

class JobWorker {
  private readonly input: JobInput;
  private readonly log: KafkaLog;
  private readonly checkpoints: CheckpointStore;
  private readonly jobs: readonly { readonly partition: number; readonly job: JobPartition }[];
  private readonly reporter: Reporter;
  private readonly appends = new Set<Promise<unknown>>();
  private alerts = 0;
  private written = 0;
  private checkpointAt = performance.now();
  private writing: Promise<void> | undefined;
  private failure: unknown;

  constructor(input: JobInput, parts: { readonly log: KafkaLog; readonly checkpoints: CheckpointStore }) {
    this.input = input;
    this.log = parts.log;
    this.checkpoints = parts.checkpoints;
    const flow = new FlowRecord();
    this.jobs = input.own.map((partition) => ({ partition, job: new JobPartition(flow) }));
    this.reporter = new Reporter(() => ({ events: this.sum('flows'), evaluations: this.sum('evaluations') }));
  }

  totals(): Omit<JobResult, 'peakMb'> {
    return {
      flows: this.sum('flows'),
      unreadable: this.sum('unreadable'),
      evaluations: this.sum('evaluations'),
      alerts: this.alerts,
      checkpoints: this.written,
    };
  }

  /** Resolves once every record is taken and every alert stored. */
  async run(): Promise<void> {
    this.reporter.report();
    await Promise.all(this.jobs.map((each) => this.runPartition(each)));
    await this.settled();
    this.reporter.report();
    await this.writing;
  }

  private async runPartition({ partition, job }: { partition: number; job: JobPartition }): Promise<void> {
    const { log, input } = this;
    const { end } = log.bounds(input.topic, partition);
    while (job.next < end) {
      for (const range of await log.readBatches(input.topic, partition, job.next, { maxBytes: READ_BYTES }))
        this.send(partition, job.take(range));
      if (this.failure !== undefined) throw this.failure as Error;
      this.reporter.reportIfDue();
      await this.checkpointIfDue();
      // What is read from memory never leaves the microtask queue: let the connections have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private send(partition: number, alerts: readonly Uint8Array[]): void {
    if (alerts.length === 0) return;
    this.alerts += alerts.length;
    const { alertsTopic, alertPartitions } = this.input;
    const append = this.log
      .append(alertsTopic, partition % alertPartitions, alerts)
      .catch((error: unknown) => (this.failure ??= error))
      .finally(() => this.appends.delete(append));
    this.appends.add(append);
  }

  private async settled(): Promise<void> {
    while (this.appends.size > 0) await Promise.all(this.appends);
    if (this.failure !== undefined) throw this.failure as Error;
  }

  private async checkpointIfDue(): Promise<void> {
    if (this.writing || performance.now() - this.checkpointAt < this.input.checkpointMs) return;
    this.checkpointAt = performance.now();
    let done: () => void = () => undefined;
    this.writing = new Promise((resolve) => (done = resolve));
    try {
      await this.settled();
      // Not awaited: the job goes on while its frozen pages are written.
      void Promise.all(this.jobs.map((each) => this.checkpoint(each)))
        .then(() => this.written++)
        .catch((error: unknown) => (this.failure ??= error))
        .finally(() => {
          this.writing = undefined;
          done();
        });
    } catch (error) {
      this.writing = undefined;
      done();
      throw error;
    }
  }

  private async checkpoint({ partition, job }: { partition: number; job: JobPartition }): Promise<void> {
    const snapshot = takeSnapshot(job);
    try {
      const writer = await this.checkpoints.begin(`job-j-${partition}`);
      for (const part of snapshot.parts) await writer.write(part.name, part.bytes());
      await writer.commit({ snapshot: snapshot.meta });
    } finally {
      snapshot.release();
    }
  }

  private sum(counter: keyof JobPartition['counters']): number {
    return this.jobs.reduce((sum, { job }) => sum + job.counters[counter], 0);
  }
}
