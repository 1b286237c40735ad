import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRepeatStrategy, type JobSchedulerJson, type Queue, type Worker, type WorkerOptions } from 'bullmq';
import type { JobsConfig } from '../config/jobs.ts';
import { VedetteError } from '../model/errors.ts';
import {
  BULL_STATES,
  bullStates,
  checkId,
  checkSize,
  recordOf,
  type BullJob,
  type BullState,
  type JobEnvelope,
} from './bull-record.ts';
import { JobRunner } from './bull-worker.ts';
import { pageOf } from './job-page.ts';
import {
  JOB_STATES,
  type JobFilter,
  type JobQueue,
  type JobRecord,
  type JobRequest,
  type JobSchedule,
  type JsonValue,
  type Processor,
} from './job-queue.ts';

export type BullQueue = Queue<JobEnvelope, JsonValue>;
export type BullWorker = Worker<JobEnvelope, JsonValue>;
export type WorkerSettings = Omit<WorkerOptions, 'connection' | 'prefix'>;

/** What the two adapters differ in. */
export interface BullParts {
  readonly config: JobsConfig;
  readonly queue: BullQueue;
  readonly createWorker: (process: JobRunner['process'], settings: WorkerSettings) => BullWorker;
  /** A failure of the store, in our words. */
  readonly errorOf: (error: unknown) => VedetteError;
  /** How long an operation may take, ms; Infinity where it can't hang. */
  readonly operationMs: number;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Ends the connections, when queue and worker are closed. */
  readonly disconnect: () => Promise<void>;
}

const HOUR_MS = 3_600_000;
const DAY_S = 86_400;
/** How long a close waits for processors that have been told to end, ms. */
const CLOSE_MS = 10_000;
/** The same trouble again is told again after this, ms. */
const REPEAT_NOTICE_MS = 60_000;
const UNFINISHED = ['waiting', 'delayed', 'active'] as const;
const MIN_EVERY_MS = 1000;
const MAX_LOOKS = 5;

/** The queue's port on BullMQ, whichever store that stands on. */
export class BullJobQueue implements JobQueue {
  private readonly parts: BullParts;
  private worker: BullWorker | undefined;
  private runner: JobRunner | undefined;
  private cleaning: NodeJS.Timeout | undefined;
  private closed: Promise<void> | undefined;
  private readonly told = new Map<string, number>();

  constructor(parts: BullParts) {
    this.parts = parts;
    parts.queue.on('error', (error) => this.tell('queue', error));
  }

  async add(request: JobRequest): Promise<JobRecord> {
    const id = request.id ?? `${request.kind}-${randomUUID()}`;
    checkId('id', id);
    checkSize('data', request.data);
    return this.ask(async () => {
      const known = await this.find(id);
      if (known) return known.record;
      const { queue, config } = this.parts;
      const counts = await queue.getJobCounts(...UNFINISHED);
      const unfinished = UNFINISHED.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
      if (unfinished >= config.maxWaiting)
        throw new VedetteError('QUEUE_UNAVAILABLE', `the queue is full: ${unfinished} jobs are unfinished`);
      const job = await queue.add(request.kind, envelopeOf(request), { jobId: id, ...this.jobOptions(request) });
      // Whoever added the same id at the same time may have won: theirs is the answer then.
      return (await this.find(id))?.record ?? recordOf(job, 'waiting');
    });
  }

  async get(id: string): Promise<JobRecord | undefined> {
    return this.ask(async () => (await this.find(id))?.record);
  }

  async list(
    filter: JobFilter,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ jobs: readonly JobRecord[]; next?: string }> {
    const states = filter.states ?? JOB_STATES;
    const found = await this.ask(async () => {
      const lists = await Promise.all(
        bullStates(states).map(async (state) =>
          (await this.parts.queue.getJobs([state])).map((job) => recordOf(job, state)),
        ),
      );
      // One that changes its state meanwhile is in two lists: the later state is the later list's.
      return [...new Map(lists.flat().map((record) => [record.id, record])).values()];
    });
    const wanted = found.filter(
      ({ state, kind }) => states.includes(state) && (filter.kind === undefined || kind === filter.kind),
    );
    return pageOf(wanted, page);
  }

  async cancel(id: string, by: string): Promise<JobRecord> {
    return this.ask(async () => {
      const { job, state, record } = await this.mustFind(id);
      if (record.state === 'completed' || record.state === 'failed')
        throw new VedetteError('CONFLICT', `job ${id} has ended: it is ${record.state}`);
      if (record.cancel) return record;
      await job.updateData({ ...job.data, cancel: { by, atMs: Date.now() } });
      this.runner?.cancel(id, by);
      if (state === 'delayed') await this.promote(job);
      const { record: after } = await this.mustFind(id);
      if (after.state === 'completed') throw new VedetteError('CONFLICT', `job ${id} has ended: it is completed`);
      return after;
    });
  }

  async retry(id: string): Promise<JobRecord> {
    return this.ask(async () => {
      const { job, record } = await this.mustFind(id);
      if (record.state !== 'failed' && record.state !== 'cancelled')
        throw new VedetteError(
          'CONFLICT',
          `job ${id} is ${record.state}: only what failed or was cancelled is retried`,
        );
      const { data, requestedBy } = job.data;
      await job.updateData({ data, requestedBy });
      // A cancelled one that no worker had put away yet waits still, and is whole again by that alone.
      if ((await job.getState()) === 'failed') await job.retry('failed', { resetAttemptsMade: true });
      return (await this.mustFind(id)).record;
    });
  }

  async schedule({ name, when, job }: JobSchedule): Promise<void> {
    checkId('name', name);
    checkSize('data', job.data);
    const { queue } = this.parts;
    if (when === 'never') {
      await this.ask(() => queue.removeJobScheduler(name));
      return;
    }
    if ('everyMs' in when && !(when.everyMs >= MIN_EVERY_MS))
      throw new VedetteError('BAD_REQUEST', `everyMs: at least ${MIN_EVERY_MS}`);
    const repeat = 'everyMs' in when ? { every: when.everyMs } : { pattern: when.cron, tz: when.timeZone ?? 'UTC' };
    if ('cron' in when) checkCron(when.cron, when.timeZone ?? 'UTC');
    const template = { name: job.kind, data: envelopeOf(job), opts: this.jobOptions(job) };
    await this.ask(async () => {
      const known = await queue.getJobScheduler(name);
      const isSame =
        known?.name === template.name && isSameTime(known, repeat) && isSameData(known.template?.data, template.data);
      // Said again at every start of a process: its next run must not move each time.
      if (isSame) return;
      await queue.upsertJobScheduler(name, repeat, template);
    });
  }

  async work(
    processors: Readonly<Record<string, Processor>>,
    options: { readonly concurrency: number },
  ): Promise<void> {
    if (this.worker) throw new VedetteError('CONFLICT', 'this queue has its worker already');
    const { config, createWorker, queue } = this.parts;
    const runner = new JobRunner({
      processors,
      cancelPollMs: config.cancelPollMs,
      envelopeOf: async (id) => (await queue.getJob(id))?.data,
      onError: (what, error) => this.tell(what, error),
    });
    this.runner = runner;
    const worker = createWorker(runner.process, {
      concurrency: options.concurrency,
      lockDuration: config.lockMs,
      stalledInterval: config.stalledCheckMs,
      maxStalledCount: config.maxStalls,
      runRetryDelay: 1000,
    });
    this.worker = worker;
    worker.on('error', (error) => this.tell('worker', error));
    worker.on('lockRenewalFailed', (ids) => runner.lose(ids));
    try {
      await this.ask(() => worker.waitUntilReady());
    } catch (error) {
      this.worker = undefined;
      await worker.disconnect();
      throw error;
    }
    await this.dropOld();
    this.cleaning = setInterval(
      () => void this.dropOld().catch((error: unknown) => this.tell('history', error)),
      HOUR_MS,
    );
    this.cleaning.unref();
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    clearInterval(this.cleaning);
    this.runner?.close();
    const { worker } = this;
    if (worker) {
      const isClosed = await Promise.race([worker.close().then(() => true), sleep(CLOSE_MS, false, { ref: false })]);
      if (!isClosed) {
        // Without one it is BullMQ that waits, in a cluster's blocking call.
        if (this.runner?.count)
          this.parts.onNotice('warn', 'jobs: a job did not end when told to; its queue will give it to another worker');
        await worker.disconnect();
      }
    }
    await this.parts.queue.close();
    await this.parts.disconnect();
  }

  /** BullMQ looks at the age of finished jobs only when another one finishes. */
  private async dropOld(): Promise<void> {
    const { queue, config } = this.parts;
    const graceMs = config.historyDays * DAY_S * 1000;
    for (const state of ['completed', 'failed'] as const)
      await this.ask(() => queue.clean(graceMs, config.historyCount, state));
  }

  private jobOptions({ attempts, backoffMs }: Pick<JobRequest, 'attempts' | 'backoffMs'>) {
    const { config } = this.parts;
    const keep = { count: config.historyCount, age: config.historyDays * DAY_S };
    return {
      attempts: attempts ?? config.attempts,
      backoff: { type: 'exponential', delay: backoffMs ?? config.backoffMs },
      removeOnComplete: keep,
      removeOnFail: keep,
      stackTraceLimit: 1,
    };
  }

  private async find(id: string): Promise<{ job: BullJob; state: BullState; record: JobRecord } | undefined> {
    // Two questions: asked again where something happened in between, so that the answers belong together.
    for (let tries = 0; ; tries++) {
      const job = await this.parts.queue.getJob(id);
      if (!job) return undefined;
      const named = await job.getState();
      const state = BULL_STATES.find((known) => known === named);
      const hasFinished = state === 'completed' || state === 'failed';
      if (state !== undefined && (hasFinished === (job.finishedOn !== undefined) || tries === MAX_LOOKS))
        return { job, state, record: recordOf(job, state) };
      // Gone between the two questions.
      if (state === undefined && tries === MAX_LOOKS) return undefined;
    }
  }

  private async mustFind(id: string): Promise<{ job: BullJob; state: BullState; record: JobRecord }> {
    const found = await this.find(id);
    if (!found) throw new VedetteError('NOT_FOUND', `there is no job ${id}`);
    return found;
  }

  /** A delayed one is put away at once, where a worker is there. */
  private async promote(job: BullJob): Promise<void> {
    try {
      await job.promote();
    } catch (error) {
      // Its time came just now.
      if ((await job.getState()) === 'delayed') throw error;
    }
  }

  /** Asks the store; what it throws becomes ours. */
  private async ask<T>(operation: () => Promise<T>): Promise<T> {
    const { operationMs, errorOf } = this.parts;
    const asked = operation();
    const timer = new AbortController();
    try {
      if (operationMs === Infinity) return await asked;
      const late = sleep(operationMs, undefined, { signal: timer.signal }).then(() => {
        throw new VedetteError('QUEUE_UNAVAILABLE', `the job queue has not answered for ${operationMs} ms`);
      });
      return await Promise.race([asked, late]);
    } catch (error) {
      asked.catch(() => undefined);
      throw error instanceof VedetteError ? error : errorOf(error);
    } finally {
      timer.abort();
    }
  }

  private tell(what: string, error: unknown): void {
    if (this.closed) return;
    const message = `jobs: ${what}: ${this.parts.errorOf(error).message}`;
    const now = performance.now();
    if (now - (this.told.get(message) ?? -Infinity) < REPEAT_NOTICE_MS) return;
    if (this.told.size > 100) this.told.clear();
    this.told.set(message, now);
    this.parts.onNotice('warn', message);
  }
}

function envelopeOf({ data, requestedBy }: Pick<JobRequest, 'data' | 'requestedBy'>): JobEnvelope {
  return { data, requestedBy };
}

type Repeat = { readonly every: number } | { readonly pattern: string; readonly tz: string };

/** @throws VedetteError BAD_REQUEST */
function checkCron(pattern: string, tz: string): void {
  let next: ReturnType<typeof defaultRepeatStrategy>;
  try {
    next = defaultRepeatStrategy(Date.now(), { pattern, tz });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new VedetteError('BAD_REQUEST', `cron, or its time zone: ${words}`, { cause: error });
  }
  if (next === undefined) throw new VedetteError('BAD_REQUEST', 'cron: its time never comes');
}

function isSameTime(known: JobSchedulerJson, repeat: Repeat): boolean {
  if ('every' in repeat) return Number(known.every) === repeat.every;
  return known.pattern === repeat.pattern && known.tz === repeat.tz;
}

function isSameData(known: unknown, data: JobEnvelope): boolean {
  return JSON.stringify(sorted(known)) === JSON.stringify(sorted(data));
}

/** Postgres keeps the keys of JSON in an order of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
