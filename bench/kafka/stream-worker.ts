import { Cluster } from '../../cli/cluster.ts';
import type { Config } from '../../config/schema.ts';
import { peakMemoryMb } from './processes.ts';
import { Reporter, untilTold } from './worker-link.ts';

export interface StreamInput {
  readonly config: Config;
  readonly dataDir: string;
}

/** A partition that the worker owns: records below `settled` have all their effects stored. */
export interface OwnedPartition {
  readonly stage: 1 | 2;
  readonly partition: number;
  readonly settled: number;
}

export interface StreamResult {
  readonly peakMb: number;
  readonly checkpoints: number;
}

const REPORT_MS = 25;

/** One process with the role `stream`, until it is told to stop. */
export async function runStream({ config, dataDir }: StreamInput): Promise<StreamResult> {
  const stopped = untilTold('stop');
  const cluster = await Cluster.start({
    config,
    roles: new Set(['stream']),
    dataDir,
    onNotice: (level, message) => {
      if (level !== 'info') console.error(`${level}: ${message}`);
    },
  });
  const checkpoints = new Set<string>();
  const reporter = new Reporter(() => {
    let events = 0;
    let evaluations = 0;
    const state: OwnedPartition[] = [];
    for (const { partition, owned } of cluster.stages.running) {
      if (owned.stage === 1) events += owned.parts.worker.state.counters.rows;
      else evaluations += owned.parts.worker.state.counters.paneEvaluations;
      const { runner } = owned.parts;
      const { checkpoint } = runner.status;
      if (checkpoint) checkpoints.add(`${owned.stage}/${partition} ${checkpoint.offset}`);
      state.push({ stage: owned.stage, partition, settled: runner.settledOffset });
    }
    return { events, evaluations, state };
  });
  reporter.report();
  const timer = setInterval(() => reporter.report(), REPORT_MS);
  try {
    await Promise.race([stopped, cluster.failed]);
  } finally {
    clearInterval(timer);
    await cluster.stop();
  }
  return { peakMb: peakMemoryMb(), checkpoints: checkpoints.size };
}
