import { setTimeout as sleep } from 'node:timers/promises';
import { openClusterJobs } from '../../cli/compose-jobs.ts';
import type { JobQueue, JobRecord } from '../../batch/job-queue.ts';
import { REPLAY_DEAD_LETTERS } from '../../batch/jobs/replay-dead-letters.ts';
import { VedetteError } from '../../model/errors.ts';
import type { FaultSite } from './fault-site.ts';

const EVERY_MS = 500;
const POLL_MS = 200;

/** Jobs that read dead letters again, asked for one after another; what cannot be asked for is asked for again. */
export class JobLoad {
  /** Askings that failed. */
  failures = 0;
  private readonly queue: JobQueue;
  private readonly stopped = new AbortController();
  private readonly running: Promise<void>;
  private asked = 0;

  private constructor(queue: JobQueue) {
    this.queue = queue;
    this.running = this.run();
    this.running.catch(() => undefined);
  }

  static async start({ site }: FaultSite): Promise<JobLoad> {
    return new JobLoad(await openClusterJobs({ config: site.config, onNotice: () => undefined }));
  }

  /** Asks for no more, and gives all jobs once none is unfinished. */
  async finish(timeoutMs: number): Promise<readonly JobRecord[]> {
    this.stopped.abort();
    await this.running;
    const until = Date.now() + timeoutMs;
    for (;;) {
      const jobs = await Promise.all(Array.from({ length: this.asked }, (_, n) => this.queue.get(idOf(n))));
      const found = jobs.filter((job) => job !== undefined);
      if (found.length < this.asked) throw new Error(`${this.asked - found.length} of ${this.asked} jobs are gone`);
      const unfinished = found.filter(({ finishedMs }) => finishedMs === undefined);
      if (unfinished.length === 0) return found;
      if (Date.now() > until) throw new Error(`jobs that do not end: ${JSON.stringify(unfinished)}`);
      await sleep(POLL_MS);
    }
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await this.queue.close();
  }

  private async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      try {
        await this.queue.add({ kind: REPLAY_DEAD_LETTERS, id: idOf(this.asked), data: {}, requestedBy: 'faults' });
        this.asked++;
      } catch (error) {
        if (!(error instanceof VedetteError) || !error.retry) throw error;
        this.failures++;
      }
      await sleep(EVERY_MS, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }
}

function idOf(n: number): string {
  return `replay-${n}`;
}
