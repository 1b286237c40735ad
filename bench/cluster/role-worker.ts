import { tameAllocator } from '../../cli/allocator.ts';
import { Cluster } from '../../cli/cluster.ts';
import type { Role } from '../../cli/roles.ts';
import type { Config } from '../../config/schema.ts';
import { peakMemoryMb } from './processes.ts';
import { Reporter, untilTold } from './worker-link.ts';

export interface RoleInput {
  readonly config: Config;
  readonly roles: readonly Role[];
  readonly dataDir: string;
}

/** A partition that the worker owns. */
export interface OwnedPartition {
  readonly stage: 1 | 2;
  readonly partition: number;
  /** Next record to be read. */
  readonly next: number;
  /** Records below it have all their effects stored. */
  readonly settled: number;
  /** Hosts or targets with state. */
  readonly entities: number;
}

export interface RoleResult {
  readonly peakMb: number;
  readonly checkpoints: number;
}

const REPORT_MS = 50;

/** One process with these roles, until it is told to stop. */
export async function runRoles({ config, roles, dataDir }: RoleInput): Promise<RoleResult> {
  const stopped = untilTold('stop');
  // As `vedette run` does.
  await tameAllocator();
  const cluster = await Cluster.start({
    config,
    roles: new Set(roles),
    dataDir,
    onNotice: (level, message) => {
      if (level !== 'info') console.error(`${roles.join(', ')}: ${level}: ${message}`);
    },
  });
  const checkpoints = new Set<string>();
  const reporter = new Reporter(() => {
    let events = cluster.pipeline?.counters.events ?? 0;
    let evaluations = 0;
    const state: OwnedPartition[] = [];
    for (const { partition, owned } of cluster.stages.running) {
      let entities: number;
      if (owned.stage === 1) {
        events += owned.parts.worker.state.counters.rows;
        entities = owned.parts.worker.state.traffic.cold.count;
      } else {
        evaluations += owned.parts.worker.state.counters.paneEvaluations;
        entities = owned.parts.worker.state.targets.count;
      }
      const { runner } = owned.parts;
      const { checkpoint, offset } = runner.status;
      if (checkpoint) checkpoints.add(`${owned.stage}/${partition} ${checkpoint.offset}`);
      state.push({ stage: owned.stage, partition, next: offset, settled: runner.settledOffset, entities });
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
