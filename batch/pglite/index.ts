import { PGlite } from '@electric-sql/pglite';
import { createPostgresBackend, Queue, runMigrations, Worker, type BackendFactory } from 'bullmq';
import type { JobsConfig } from '../../config/jobs.ts';
import { VedetteError } from '../../model/errors.ts';
import { BullJobQueue, type BullQueue, type BullWorker } from '../bull-queue.ts';
import type { JobQueue } from '../job-queue.ts';
import { createStore } from './create-store.ts';
import { sessionPool } from './pool.ts';

/** 128 MB, the default, would be ours for good; the whole store is smaller than that. */
const SHARED_BUFFERS = '8MB';
const QUEUE = 'jobs';

export interface PgliteJobsOptions {
  /** Folder of the database; it belongs to one process at a time, which the caller sees to. */
  readonly dir: string;
  readonly config: JobsConfig;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/**
 * The job queue of the embedded form: BullMQ on Postgres in this process. Opening takes about a second and 110 MB, the
 * first time some seconds more. What is written survives the death of the process, not that of the machine: PGlite does
 * not sync. Errors: QUEUE_UNAVAILABLE.
 */
export async function openPgliteJobs(options: PgliteJobsOptions): Promise<JobQueue> {
  const { dir, config, onNotice } = options;
  await createStore(dir);
  const db = await openDatabase(dir);
  try {
    const pool = sessionPool(db);
    await runMigrations(pool as unknown as Parameters<typeof runMigrations>[0]);
    await db.exec('SET search_path TO bullmq');
    const connection = pool as unknown as { host: string };
    const factory = createPostgresBackend as unknown as BackendFactory;
    const queue = new Queue(QUEUE, { connection }, factory) as unknown as BullQueue;
    await queue.waitUntilReady();
    return new BullJobQueue({
      config,
      onNotice,
      queue,
      createWorker: (process, settings) =>
        new Worker(QUEUE, process, { ...settings, connection }, factory) as unknown as BullWorker,
      operationMs: Infinity,
      errorOf,
      disconnect: () => db.close(),
    });
  } catch (error) {
    await db.close();
    throw errorOf(error);
  }
}

async function openDatabase(dir: string): Promise<PGlite> {
  try {
    return await PGlite.create({
      dataDir: dir,
      startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
    });
  } catch (error) {
    throw new VedetteError(
      'QUEUE_UNAVAILABLE',
      `the job store in ${dir} does not open: ${String(error)}; moved away, a new one is made, without its jobs`,
      { cause: error },
    );
  }
}

function errorOf(error: unknown): VedetteError {
  if (error instanceof VedetteError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new VedetteError('QUEUE_UNAVAILABLE', `the job store fails: ${words}`, { cause: error });
}
