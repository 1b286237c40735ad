import { UnrecoverableError, WaitingError } from 'bullmq';
import { asError, VedetteError } from '../model/errors.ts';
import { checkSize, recordOf, type BullJob, type JobEnvelope } from './bull-record.ts';
import type { JsonValue, Processor } from './job-queue.ts';

/** Progress is written this often at most, ms. */
const PROGRESS_MS = 500;

type Ending = { readonly why: 'cancelled'; readonly by: string } | { readonly why: 'closing' | 'lost' };

interface Running {
  readonly abort: AbortController;
  ending?: Ending;
}

interface RunnerServices {
  readonly processors: Readonly<Record<string, Processor>>;
  /** The job's data as it is now, for a cancellation by another process. */
  readonly envelopeOf: (id: string) => Promise<JobEnvelope | undefined>;
  readonly cancelPollMs: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** The jobs that run in this process, between BullMQ's worker and our processors. */
export class JobRunner {
  private readonly services: RunnerServices;
  private readonly running = new Map<string, Running>();
  private isClosing = false;

  constructor(services: RunnerServices) {
    this.services = services;
  }

  /** Jobs that run here now. */
  get count(): number {
    return this.running.size;
  }

  /** Ends a job, if it runs here. */
  cancel(id: string, by: string): void {
    this.end(id, { why: 'cancelled', by });
  }

  /** Another worker has the job now: what this one does with it no longer counts. */
  lose(ids: readonly string[]): void {
    for (const id of ids) this.end(id, { why: 'lost' });
  }

  /** Every job here goes back to wait as soon as its processor has returned. */
  close(): void {
    this.isClosing = true;
    for (const id of this.running.keys()) this.end(id, { why: 'closing' });
  }

  /** What BullMQ's worker calls with a job that it has taken. */
  readonly process = async (job: BullJob, token?: string): Promise<JsonValue> => {
    const id = job.id ?? '';
    if (job.data.cancel) throw new UnrecoverableError(cancelledBy(job.data.cancel.by));
    const processor = Object.hasOwn(this.services.processors, job.name)
      ? this.services.processors[job.name]
      : undefined;
    if (!processor) throw new UnrecoverableError(`no worker here knows jobs of kind ${job.name}`);
    const running: Running = { abort: new AbortController() };
    this.running.set(id, running);
    if (this.isClosing) this.end(id, { why: 'closing' });
    const progress = new ProgressWriter(job, (error) => this.services.onError(`progress of job ${id}`, error));
    const poll = setInterval(() => void this.lookForCancel(id), this.services.cancelPollMs);
    try {
      const result = await processor({
        job: recordOf(job, 'active'),
        signal: running.abort.signal,
        progress: (fraction, note) => progress.set(fraction, note),
      });
      checkSize('result', result);
      return result;
    } catch (error) {
      throw await this.failure(job, token, { error, ending: running.ending });
    } finally {
      clearInterval(poll);
      await progress.end();
      this.running.delete(id);
    }
  };

  private async failure(
    job: BullJob,
    token: string | undefined,
    { error, ending }: { error: unknown; ending: Ending | undefined },
  ): Promise<Error> {
    if (ending?.why === 'closing') {
      await job.moveToWait(token);
      return new WaitingError();
    }
    if (ending?.why === 'cancelled') return new UnrecoverableError(cancelledBy(ending.by));
    const cause = asError(error);
    // What trying again can't mend is not tried again.
    return error instanceof VedetteError && !error.retry ? new UnrecoverableError(error.message) : cause;
  }

  private end(id: string, ending: Ending): void {
    const running = this.running.get(id);
    if (!running || running.ending) return;
    running.ending = ending;
    const message = ending.why === 'cancelled' ? cancelledBy(ending.by) : REASONS[ending.why];
    running.abort.abort(new Error(message));
  }

  private async lookForCancel(id: string): Promise<void> {
    try {
      const cancel = (await this.services.envelopeOf(id))?.cancel;
      if (cancel) this.cancel(id, cancel.by);
    } catch (error) {
      this.services.onError(`whether job ${id} was cancelled`, error);
    }
  }
}

const REASONS = {
  closing: 'this worker is closing',
  lost: 'the queue has given the job to another worker',
} as const;

function cancelledBy(by: string): string {
  return `cancelled by ${by}`;
}

/** Writes the latest progress, one write at a time. */
class ProgressWriter {
  private readonly job: BullJob;
  private readonly onError: (error: unknown) => void;
  private latest: { fraction: number; note?: string } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private writtenMs = -Infinity;

  constructor(job: BullJob, onError: (error: unknown) => void) {
    this.job = job;
    this.onError = onError;
  }

  set(fraction: number, note?: string): void {
    this.latest = { fraction: Math.min(1, Math.max(0, fraction)), ...(note !== undefined && { note }) };
    const dueMs = this.writtenMs + PROGRESS_MS - performance.now();
    this.timer ??= setTimeout(() => this.write(), Math.max(0, dueMs));
  }

  async end(): Promise<void> {
    if (this.timer) this.write();
    await this.writing;
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writtenMs = performance.now();
    const { latest } = this;
    if (!latest) return;
    this.writing = this.writing.then(() => this.job.updateProgress(latest)).catch(this.onError);
  }
}
