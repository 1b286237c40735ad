import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobQueue, JobRecord, JobRequest, JobRun, Processor } from '../../batch/job-queue.ts';
import type { JobsConfig } from '../../config/jobs.ts';
import { VedetteError } from '../../model/errors.ts';
import { openQueue, type QueuePlace } from './open-queue.ts';

/** What an adapter brings to the contract. */
export interface JobQueueHarness {
  readonly place: QueuePlace;
  /** Removes what was stored. */
  remove(): Promise<void>;
}

/** What every adapter of {@link JobQueue} promises. */
export function describeJobQueue(name: string, createHarness: () => Promise<JobQueueHarness>): void {
  describe(`${name} keeps the contract of the job queue`, { timeout: 60_000 }, () => {
    let harness: JobQueueHarness;
    let queue: JobQueue;

    beforeEach(async () => {
      harness = await createHarness();
      queue = await openQueue(harness.place);
    });

    afterEach(async () => {
      await queue.close();
      await harness.remove();
    });

    async function reopen(settings: Partial<JobsConfig> = {}): Promise<void> {
      await queue.close();
      queue = await openQueue(harness.place, settings);
    }

    async function until(id: string, isIt: (job: JobRecord) => boolean): Promise<JobRecord> {
      const deadline = performance.now() + 20_000;
      for (;;) {
        const job = await queue.get(id);
        if (job && isIt(job)) return job;
        if (performance.now() > deadline) throw new Error(`waited in vain: ${JSON.stringify(job)}`);
        await sleep(20);
      }
    }

    const inState = (id: string, state: JobRecord['state']): Promise<JobRecord> =>
      until(id, (job) => job.state === state);
    const work = (processors: Record<string, Processor>, concurrency = 1): Promise<void> =>
      queue.work(processors, { concurrency });

    it('keeps a job as it was added, also when it is opened again', async () => {
      const before = Date.now();
      const added = await queue.add(request({ id: 'first', data: { from: 1, list: ['a', { b: null }] } }));
      expect(added).toMatchObject({
        id: 'first',
        kind: 'test',
        state: 'waiting',
        data: { from: 1, list: ['a', { b: null }] },
        requestedBy: 'somebody',
        starts: 0,
      });
      expect(added.addedMs).toBeGreaterThanOrEqual(before - 1);
      await reopen();
      expect(await queue.get('first')).toEqual(added);
      expect(await queue.get('nobody')).toBeUndefined();
    });

    it('adds an id once, whatever is added under it again', async () => {
      await queue.add(request({ id: 'same', data: { n: 1 } }));
      expect(await queue.add(request({ id: 'same', data: { n: 2 } }))).toMatchObject({ data: { n: 1 } });
      const added = await Promise.all([1, 2, 3, 4].map((n) => queue.add(request({ id: 'at-once', data: { n } }))));
      expect(new Set(added.map(({ data }) => data['n'])).size).toBe(1);
      expect((await queue.list({}, { limit: 10 })).jobs.map(({ id }) => id).sort()).toEqual(['at-once', 'same']);

      let runs = 0;
      await work({ test: async () => ++runs });
      await inState('same', 'completed');
      await inState('at-once', 'completed');
      expect(await queue.add(request({ id: 'same' }))).toMatchObject({ state: 'completed' });
      await sleep(200);
      expect(runs).toBe(2);
    });

    it('makes ids up, and refuses those and data that it could not keep', async () => {
      const { id } = await queue.add({ kind: 'test', data: {}, requestedBy: 'somebody' });
      expect(id).toMatch(/^test-[0-9a-f-]{36}$/);
      for (const bad of ['', '12', 'a:b', 'a b', '../a', 'é', 'a'.repeat(129)])
        await expect(queue.add(request({ id: bad }))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await expect(queue.add(request({ data: { text: 'x'.repeat(70_000) } }))).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    });

    it('runs a job and keeps when, how far and with what result', async () => {
      await work({
        test: async ({ job, progress }) => {
          progress(0.25, 'a quarter');
          await until(job.id, (now) => now.progress?.fraction === 0.25);
          progress(1, 'all');
          return { seen: job.data, kind: job.kind };
        },
      });
      const { id } = await queue.add(request({ data: { n: 7 } }));
      const done = await inState(id, 'completed');
      expect(done).toMatchObject({
        result: { seen: { n: 7 }, kind: 'test' },
        progress: { fraction: 1, note: 'all' },
        starts: 1,
      });
      expect(done.startedMs).toBeGreaterThanOrEqual(done.addedMs);
      expect(done.finishedMs).toBeGreaterThanOrEqual(done.startedMs!);
      expect(done.error).toBeUndefined();
    });

    it('runs so many at a time, first come, first served', async () => {
      const begun: string[] = [];
      let now = 0;
      let most = 0;
      for (let i = 0; i < 8; i++) await queue.add(request({ id: `job-${i}` }));
      await work(
        {
          test: async ({ job }) => {
            begun.push(job.id);
            most = Math.max(most, ++now);
            await sleep(50);
            now--;
            return null;
          },
        },
        3,
      );
      await inState('job-7', 'completed');
      expect(most).toBe(3);
      expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => `job-${i}`));
      await expect(work({})).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    it('tries a failed job again, later each time, and gives it up after its last try', async () => {
      const begunMs: number[] = [];
      await work({
        test: async () => {
          begunMs.push(performance.now());
          throw new Error(`try ${begunMs.length}`);
        },
      });
      const { id } = await queue.add(request({ attempts: 3, backoffMs: 200 }));
      const failed = await inState(id, 'failed');
      expect(failed).toMatchObject({ error: 'try 3', starts: 3 });
      expect(begunMs).toHaveLength(3);
      expect(begunMs[1]! - begunMs[0]!).toBeGreaterThanOrEqual(190);
      expect(begunMs[2]! - begunMs[1]!).toBeGreaterThanOrEqual(390);
    });

    it('does not try again what trying again cannot mend', async () => {
      await work({
        test: async () => {
          throw new VedetteError('BAD_REQUEST', 'no such period');
        },
        large: async () => 'x'.repeat(70_000),
      });
      const { id } = await queue.add(request({ attempts: 5 }));
      expect(await inState(id, 'failed')).toMatchObject({ error: 'no such period', starts: 1 });
      const unknown = await queue.add(request({ kind: 'unheard-of', attempts: 5 }));
      expect((await inState(unknown.id, 'failed')).error).toContain('unheard-of');
      const large = await queue.add(request({ kind: 'large', attempts: 5 }));
      expect((await inState(large.id, 'failed')).error).toContain('result');
    });

    it('runs a failed job again when told to, with all of its tries', async () => {
      let isMended = false;
      await work({
        test: async () => {
          if (!isMended) throw new Error('not yet');
          return 'done';
        },
      });
      const { id } = await queue.add(request({ attempts: 2, backoffMs: 0 }));
      await inState(id, 'failed');
      await queue.retry(id);
      await until(id, ({ state, starts }) => state === 'failed' && starts === 4);
      isMended = true;
      await queue.retry(id);
      const done = await inState(id, 'completed');
      expect(done.result).toBe('done');
      expect(done.error).toBeUndefined();
      await expect(queue.retry(id)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(queue.retry('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('never begins a job that was cancelled while it waited', async () => {
      const { id } = await queue.add(request({ id: 'unwanted' }));
      await queue.add(request({ id: 'wanted' }));
      const cancelled = await queue.cancel(id, 'an operator');
      expect(cancelled).toMatchObject({ state: 'cancelled', cancel: { by: 'an operator' } });
      expect(await queue.cancel(id, 'somebody else')).toEqual(cancelled);
      const run: string[] = [];
      await work({ test: async ({ job }) => run.push(job.id) });
      await inState('wanted', 'completed');
      await until(id, ({ finishedMs }) => finishedMs !== undefined);
      expect(run).toEqual(['wanted']);
      expect((await queue.list({ states: ['cancelled'] }, { limit: 10 })).jobs.map((job) => job.id)).toEqual([id]);
      expect((await queue.list({ states: ['failed', 'waiting'] }, { limit: 10 })).jobs).toEqual([]);
      await queue.retry(id);
      await inState(id, 'completed');
      await expect(queue.cancel(id, 'an operator')).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(queue.cancel('nobody', 'an operator')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('puts a cancelled job that no worker has seen back to wait', async () => {
      const { id } = await queue.add(request());
      await queue.cancel(id, 'an operator');
      expect(await queue.retry(id)).toMatchObject({ state: 'waiting' });
    });

    it('reaches a running job with a cancellation, and one in its pause', async () => {
      const reasons: unknown[] = [];
      await work({
        hang: async ({ signal }: JobRun) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          reasons.push((signal.reason as Error).message);
          signal.throwIfAborted();
          return null;
        },
        fail: async () => {
          throw new Error('again');
        },
      });
      const { id } = await queue.add(request({ kind: 'hang', attempts: 5 }));
      await inState(id, 'active');
      await queue.cancel(id, 'an operator');
      const cancelled = await inState(id, 'cancelled');
      expect(cancelled).toMatchObject({ error: 'cancelled by an operator', starts: 1 });
      expect(reasons).toEqual(['cancelled by an operator']);

      const pausing = await queue.add(request({ kind: 'fail', attempts: 5, backoffMs: 3_600_000 }));
      await inState(pausing.id, 'delayed');
      await queue.cancel(pausing.id, 'an operator');
      await until(pausing.id, ({ state, finishedMs }) => state === 'cancelled' && finishedMs !== undefined);
    });

    it('lists the latest first, page by page, by state and kind', async () => {
      for (let i = 0; i < 7; i++) {
        await queue.add(request({ id: `job-${i}`, kind: i % 2 === 0 ? 'even' : 'odd' }));
        await sleep(2);
      }
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await queue.list({}, { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.jobs.length).toBeLessThanOrEqual(3);
        ids.push(...page.jobs.map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(ids).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `job-${i}`));
      expect((await queue.list({ kind: 'odd' }, { limit: 9 })).jobs.map(({ id }) => id)).toEqual([
        'job-5',
        'job-3',
        'job-1',
      ]);
      expect((await queue.list({ states: ['completed'] }, { limit: 9 })).jobs).toEqual([]);
      await expect(queue.list({}, { limit: 3, cursor: 'nonsense' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    });

    it('keeps so many finished jobs, the latest, and takes so many unfinished ones', async () => {
      await reopen({ historyCount: 3, maxWaiting: 8 });
      for (let i = 0; i < 8; i++) await queue.add(request({ id: `job-${i}` }));
      await expect(queue.add(request({ id: 'too-many' }))).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
      await work({ test: async () => null });
      await inState('job-7', 'completed');
      // Which are kept, not their order: jobs added within one millisecond are listed by id.
      const { jobs } = await queue.list({}, { limit: 20 });
      expect(new Set(jobs.map(({ id }) => id))).toEqual(new Set(['job-7', 'job-6', 'job-5']));
    });

    it('drops finished jobs that are too old when it begins to work', async () => {
      await work({ test: async () => null });
      const { id } = await queue.add(request());
      await inState(id, 'completed');
      await reopen({ historyDays: 0.2 / 86_400 });
      expect(await queue.get(id)).toBeDefined();
      await sleep(300);
      await work({ test: async () => null });
      expect(await queue.get(id)).toBeUndefined();
    });

    it('gives a running job back when it closes, for whoever works next', async () => {
      let isAborted = false;
      await work({
        test: async ({ signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          isAborted = true;
          signal.throwIfAborted();
          return null;
        },
      });
      const { id } = await queue.add(request({ attempts: 1 }));
      await inState(id, 'active');
      await reopen();
      expect(isAborted).toBe(true);
      expect(await queue.get(id)).toMatchObject({ state: 'waiting' });
      await work({ test: async () => 'second time' });
      expect(await inState(id, 'completed')).toMatchObject({ result: 'second time', starts: 2 });
    });

    it('gives the job of a killed worker to another', async () => {
      const { id } = await queue.add(request({ kind: 'hang', attempts: 1 }));
      await queue.close();
      const worker = await startWorker(harness.place, id);
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      queue = await openQueue(harness.place);
      expect(await queue.get(id)).toMatchObject({ state: 'active', starts: 1 });
      await work({ hang: async () => 'done' });
      expect(await inState(id, 'completed')).toMatchObject({ result: 'done', starts: 2 });
    });

    it('fails a job for good whose workers have died too often', async () => {
      const { id } = await queue.add(request({ kind: 'hang' }));
      await queue.close();
      const worker = await startWorker(harness.place, id);
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      queue = await openQueue(harness.place, { maxStalls: 0 });
      await work({ hang: async () => 'done' });
      expect((await inState(id, 'failed')).error).toContain('stalled');
    });

    it('adds jobs by a schedule, which is the same one however often it is said', async () => {
      const ran: string[] = [];
      await work({
        test: async ({ job }) => {
          ran.push(`${job.schedule}:${JSON.stringify(job.data['n'])}`);
          return null;
        },
      });
      const daily = { name: 'daily', when: { cron: '0 3 * * *' }, job: request({ data: { n: 2 } }) } as const;
      await queue.schedule(daily);
      for (let i = 0; i < 3; i++) {
        await queue.schedule({ name: 'often', when: { everyMs: 1000 }, job: request({ data: { n: 1 } }) });
        await queue.schedule(daily);
        await sleep(600);
      }
      const deadline = performance.now() + 10_000;
      while (ran.length < 3 && performance.now() < deadline) await sleep(50);
      expect(ran.slice(0, 3)).toEqual(['often:1', 'often:1', 'often:1']);
      const { jobs } = await queue.list({ states: ['delayed', 'waiting', 'active'] }, { limit: 10 });
      expect(jobs.filter(({ schedule }) => schedule === 'daily')).toHaveLength(1);

      await queue.schedule({ name: 'often', when: 'never', job: request() });
      await sleep(200);
      const before = ran.length;
      await sleep(1500);
      expect(ran.length).toBe(before);
      await expect(
        queue.schedule({ name: 'wrong', when: { cron: 'now and then' }, job: request() }),
      ).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await expect(queue.schedule({ name: 'wrong', when: { everyMs: 1 }, job: request() })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    });

    it('leaves the event loop free while many jobs pass', async () => {
      for (let i = 0; i < 30; i++) await queue.add(request({ id: `job-${i}` }));
      let longestMs = 0;
      let lastMs = performance.now();
      const timer = setInterval(() => {
        const now = performance.now();
        longestMs = Math.max(longestMs, now - lastMs);
        lastMs = now;
      }, 5);
      await work({ test: async () => null });
      await inState('job-29', 'completed');
      clearInterval(timer);
      expect(longestMs).toBeLessThan(500);
    });

    it('can be closed twice', async () => {
      await queue.close();
      await queue.close();
    });
  });
}

function request(given: Partial<JobRequest> = {}): JobRequest {
  return { kind: 'test', data: {}, requestedBy: 'somebody', ...given };
}

async function startWorker(place: QueuePlace, id: string): Promise<ChildProcess> {
  const worker = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'job-worker.ts'), JSON.stringify(place)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  await new Promise<void>((resolve, reject) => {
    worker.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes(`began ${id}\n`)) resolve();
    });
    worker.on('exit', () => reject(new Error(`the worker ended: ${said}`)));
  });
  return worker;
}
