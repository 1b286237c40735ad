import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRecord } from '../../batch/job-queue.ts';
import { openQueue } from './open-queue.ts';

const END_MS = 120_000;

export interface KillReport {
  readonly kills: number;
  /** Of these, while the store was being opened or made. */
  readonly killedOpening: number;
  readonly acknowledged: number;
  readonly finished: number;
  /** Jobs that were begun more than once, as at-least-once allows. */
  readonly repeated: number;
  /** Acknowledged, and not completed. */
  readonly lost: readonly string[];
  /** Neither completed nor on their way there. */
  readonly stuck: readonly string[];
  /** Completed without their effect, or the other way round. */
  readonly uneven: readonly string[];
}

/**
 * Kills a process that works on a job store with kill -9, so many times, at random moments, each time on the same folder;
 * then lets what is left be done and counts. Throws where the store does not open again.
 */
export async function killRepeatedly(kills: number): Promise<KillReport> {
  const root = await mkdtemp(join(tmpdir(), 'vedette-kills-'));
  const notes = join(root, 'notes');
  mkdirSync(join(notes, 'effects'), { recursive: true });
  for (const file of ['acknowledged', 'begun']) writeFileSync(join(notes, file), '');
  try {
    let killedOpening = 0;
    let openMs = 2000;
    for (let cycle = 0; cycle < kills; cycle++) {
      const began = performance.now();
      const opened = await runAndKill([root, notes, String(cycle)], {
        // One in four dies while it opens; the rest, at some moment of the work.
        openingMs: Math.random() < 0.25 ? Math.random() * openMs : Infinity,
        workingMs: 50 + Math.random() * 1500,
      });
      if (opened === undefined) killedOpening++;
      else openMs = Math.min(10_000, opened - began);
    }
    const jobs = await finishAll(join(root, 'jobs'));
    return { kills, killedOpening, ...count(notes, jobs) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** When it was open, performance.now(); undefined where it was killed before. */
async function runAndKill(
  args: readonly string[],
  after: { readonly openingMs: number; readonly workingMs: number },
): Promise<number | undefined> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'kill-victim.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let words = '';
  child.stderr.on('data', (data: Buffer) => (words += data.toString()));
  let openedAt: number | undefined;
  const opened = once(child.stdout, 'data').then(() => (openedAt = performance.now()));
  await Promise.race([opened, exited, ...(after.openingMs === Infinity ? [] : [sleep(after.openingMs)])]);
  if (openedAt !== undefined) await Promise.race([sleep(after.workingMs), exited]);
  const opening = openedAt;
  child.kill('SIGKILL');
  await exited;
  if (child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself: ${words}`);
  return opening;
}

async function finishAll(dir: string): Promise<readonly JobRecord[]> {
  const queue = await openQueue({ adapter: 'pglite', dir }, { historyCount: 10_000, maxStalls: 1000 });
  try {
    const notes = join(dir, '..', 'notes');
    await queue.work(
      {
        test: async ({ job }) => {
          writeFileSync(join(notes, 'effects', job.id), '');
          return job.id;
        },
      },
      { concurrency: 4 },
    );
    const deadline = performance.now() + END_MS;
    const left = async (): Promise<number> =>
      (await queue.list({ states: ['waiting', 'delayed', 'active'] }, { limit: 1000 })).jobs.length;
    while ((await left()) > 0 && performance.now() < deadline) await sleep(200);
    return (await queue.list({}, { limit: 100_000 })).jobs;
  } finally {
    await queue.close();
  }
}

function count(notes: string, jobs: readonly JobRecord[]): Omit<KillReport, 'kills' | 'killedOpening'> {
  const lines = (file: string): string[] => readFileSync(join(notes, file), 'utf8').split('\n').filter(Boolean);
  const acknowledged = lines('acknowledged');
  const begun = lines('begun');
  const completed = new Set(jobs.filter(({ state }) => state === 'completed').map(({ id }) => id));
  const effects = new Set(readdirSync(join(notes, 'effects')));
  return {
    acknowledged: acknowledged.length,
    finished: completed.size,
    repeated: begun.length - new Set(begun).size,
    lost: acknowledged.filter((id) => !completed.has(id)),
    stuck: jobs.filter(({ state }) => state !== 'completed').map(({ id }) => id),
    uneven: [...completed].filter((id) => !effects.has(id)).concat([...effects].filter((id) => !completed.has(id))),
  };
}
