import type { JobQueue, Processor } from '../batch/job-queue.ts';
import type { Backend } from '../console/backend.ts';
import { VedetteError } from '../model/errors.ts';

export interface LazyJobsOptions {
  /** Whether jobs were ever added: there is nothing to open before. */
  readonly exists: () => boolean;
  readonly open: () => Promise<JobQueue>;
  readonly processors: Readonly<Record<string, Processor>>;
  readonly concurrency: number;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/**
 * A job queue that takes memory and time only from the first job on. Jobs are worked on from the first one that is added
 * here; {@link resume} takes up those that were left by an earlier process.
 */
export class LazyJobs {
  readonly desk: Backend['jobs'];
  private readonly options: LazyJobsOptions;
  private opening: Promise<JobQueue> | undefined;
  private working: Promise<void> | undefined;
  private isClosed = false;

  constructor(options: LazyJobsOptions) {
    this.options = options;
    this.desk = {
      add: async (request) => {
        const queue = await this.queue();
        const job = await queue.add(request);
        await this.work(queue);
        return job;
      },
      get: async (id) => (this.isThere ? (await this.queue()).get(id) : undefined),
      list: async (filter, page) => (this.isThere ? (await this.queue()).list(filter, page) : { jobs: [] }),
      cancel: async (id, by) => (await this.existing(id)).cancel(id, by),
      retry: async (id) => {
        const queue = await this.existing(id);
        const job = await queue.retry(id);
        await this.work(queue);
        return job;
      },
    };
  }

  /** Takes up the jobs that there are, if there are any. What fails is told, and tried again with the next request. */
  async resume(): Promise<void> {
    if (!this.options.exists()) return;
    try {
      await this.work(await this.queue());
    } catch (error) {
      this.options.onNotice('error', `jobs: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const queue = await this.opening?.catch(() => undefined);
    await queue?.close();
  }

  private get isThere(): boolean {
    return this.opening !== undefined || this.options.exists();
  }

  private async existing(id: string): Promise<JobQueue> {
    if (!this.isThere) throw new VedetteError('NOT_FOUND', `there is no job ${id}`);
    return this.queue();
  }

  private queue(): Promise<JobQueue> {
    if (this.isClosed) return Promise.reject(new VedetteError('QUEUE_UNAVAILABLE', 'the job queue is closing'));
    if (!this.opening) {
      const opening = this.options.open();
      this.opening = opening;
      opening.catch(() => {
        if (this.opening === opening) this.opening = undefined;
      });
    }
    return this.opening;
  }

  private work(queue: JobQueue): Promise<void> {
    const { processors, concurrency } = this.options;
    this.working ??= queue.work(processors, { concurrency }).catch((error: unknown) => {
      this.working = undefined;
      throw error;
    });
    return this.working;
  }
}
