import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KafkaConfig } from '../../config/kafka.ts';
import type { JobInput, JobResult } from './job-j.ts';
import { ServerClock, stretches } from '../cluster/processes.ts';
import { withWorkers, Worker } from '../cluster/worker-link.ts';

export const FLOWS_TOPIC = 'flows';
const PARTITIONS = 8;
const ALERT_PARTITIONS = 2;
const WORKERS = 2;
const CHECKPOINT_MS = 10_000;

/** One run of the whole job, in the peers' terms. */
export interface JobRun {
  readonly events: number;
  readonly eps: number;
  readonly secondHalfEps: number;
  readonly cpuPerM: number;
  readonly secondHalfCpuPerM: number;
  readonly brokerCpuPerM: number;
  readonly evaluationsPerSecond: number;
  readonly peakMb: number;
  readonly alerts: number;
  readonly checkpoints: number;
}

/** Runs job J in two processes over the filled topic. */
export async function measureJob(run: {
  readonly script: string;
  readonly kafka: KafkaConfig;
  readonly brokerPid: number;
  readonly name: string;
}): Promise<JobRun> {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-job-'));
  const input = (worker: number): JobInput => ({
    kafka: run.kafka,
    topic: FLOWS_TOPIC,
    partitions: PARTITIONS,
    own: Array.from({ length: PARTITIONS }, (_, partition) => partition).filter((p) => p % WORKERS === worker),
    alertsTopic: `job-alerts-${run.name}`,
    alertPartitions: ALERT_PARTITIONS,
    checkpointMs: CHECKPOINT_MS,
    checkpointDir: join(dir, String(worker)),
  });
  const started = Array.from({ length: WORKERS }, (_, i) => new Worker<JobResult>(run.script, 'job', input(i)));
  const broker = new ServerClock(run.brokerPid);
  try {
    return await withWorkers(started, async (workers) => {
      await Promise.all(workers.map(({ ready }) => ready));
      for (const worker of workers) worker.tell('go');
      const results = await Promise.all(workers.map(({ result }) => result));
      broker.stop();
      const sum = (of: keyof JobResult): number => results.reduce((total, result) => total + result[of], 0);
      if (sum('unreadable') > 0) throw new Error(`${sum('unreadable')} records could not be read`);
      const { whole, secondHalf } = stretches(workers.map(({ samples }) => samples));
      return {
        events: whole.events,
        eps: whole.events / whole.wallSeconds,
        secondHalfEps: secondHalf.events / secondHalf.wallSeconds,
        cpuPerM: (whole.cpuSeconds / whole.events) * 1e6,
        secondHalfCpuPerM: (secondHalf.cpuSeconds / secondHalf.events) * 1e6,
        brokerCpuPerM: (broker.secondsBetween(whole.fromMs, whole.toMs) / whole.events) * 1e6,
        evaluationsPerSecond: whole.evaluations / whole.wallSeconds,
        peakMb: sum('peakMb'),
        alerts: sum('alerts'),
        checkpoints: Math.max(...results.map(({ checkpoints }) => checkpoints)),
      };
    });
  } finally {
    broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
