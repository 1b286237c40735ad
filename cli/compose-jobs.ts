import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertStore } from '../alerts/alert.ts';
import { REPLAY_DEAD_LETTERS, replayDeadLettersJob } from '../batch/jobs/replay-dead-letters.ts';
import { REPLAY_RAW, replayRawJob } from '../batch/jobs/replay-raw.ts';
import type { JobQueue, Processor } from '../batch/job-queue.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import type { Config } from '../config/schema.ts';
import type { DeadLetterStore } from '../ingest/dead-letter.ts';
import type { IngestPipeline } from '../ingest/pipeline.ts';
import { replayDeadLetters } from '../ingest/replay.ts';
import type { ReplayStore } from './compose-replay.ts';
import { LazyJobs } from './lazy-jobs.ts';
import { replayProcesses } from './replay-process.ts';

type OnNotice = (level: 'info' | 'warn' | 'error', message: string) => void;

/** One process has the folder, so that a job which nobody works on was abandoned: no need to wait long. */
const EMBEDDED_LOCK_MS = 10_000;
const EMBEDDED_CHECK_MS = 5000;

export interface JobServices {
  readonly dataDir: string;
  readonly config: Config;
  readonly onNotice: OnNotice;
  readonly alerts: Pick<AlertStore, 'list'>;
  readonly deadLetters: DeadLetterStore;
  readonly pipeline: IngestPipeline;
  /** What replays read. */
  readonly replayStore: () => ReplayStore;
}

/** Where the results of a replay are. */
function replayFolder(dataDir: string, name: string): string {
  return join(dataDir, 'replays', name);
}

/** The jobs of the embedded form; nothing is opened before the first. */
export function embeddedJobs(services: JobServices): LazyJobs {
  const { dataDir, config, onNotice } = services;
  const dir = join(dataDir, 'jobs');
  return new LazyJobs({
    exists: () => existsSync(join(dir, 'PG_VERSION')),
    open: async () => {
      const { openPgliteJobs } = await import('../batch/pglite/index.ts');
      const lockMs = Math.min(config.jobs.lockMs, EMBEDDED_LOCK_MS);
      const stalledCheckMs = Math.min(config.jobs.stalledCheckMs, EMBEDDED_CHECK_MS);
      return openPgliteJobs({ dir, config: { ...config.jobs, lockMs, stalledCheckMs }, onNotice });
    },
    processors: jobProcessors(services),
    concurrency: config.jobs.concurrency,
    onNotice,
  });
}

/** The job queue of the cluster form. Errors: UNAUTHORIZED, QUEUE_UNAVAILABLE, UNSUPPORTED. */
export async function openClusterJobs(options: { config: Config; onNotice: OnNotice }): Promise<JobQueue> {
  const { openRedisJobs } = await import('../batch/redis/index.ts');
  const { config, onNotice } = options;
  return openRedisJobs({ redis: config.redis, config: config.jobs, onNotice });
}

/** Every kind of job, with what it works on. */
export function jobProcessors(services: JobServices): Record<string, Processor> {
  const { dataDir, config, onNotice, alerts, deadLetters, pipeline, replayStore } = services;
  return {
    [REPLAY_DEAD_LETTERS]: replayDeadLettersJob((filter, run) =>
      replayDeadLetters({ pipeline, store: deadLetters, mappings: csvMappings(config), ...run }, filter),
    ),
    [REPLAY_RAW]: replayRawJob({
      alerts,
      folderOf: (name) => replayFolder(dataDir, name),
      run: replayProcesses({ config, store: replayStore, onNotice }),
    }),
  };
}
