import { z } from 'zod';

const DAY_MS = 86_400_000;

/** How jobs are kept, run, and tried again. */
export const jobsSchema = z.strictObject({
  concurrency: z.int().min(1).max(64).default(1).describe('jobs that run at a time in a process'),
  attempts: z.int().min(1).max(100).default(3).describe('tries of a job, the first one included'),
  backoffMs: z
    .int()
    .min(0)
    .max(DAY_MS)
    .default(5000)
    .describe('pause before the second try, ms; doubles with each further one'),
  lockMs: z
    .int()
    .min(500)
    .default(30_000)
    .describe('how long a worker may be silent before its job is taken for abandoned, ms'),
  stalledCheckMs: z.int().min(100).default(15_000).describe('time between looks for abandoned jobs, ms'),
  maxStalls: z
    .int()
    .min(0)
    .max(1000)
    .default(10)
    .describe('a job whose workers have died more often than this fails for good'),
  cancelPollMs: z
    .int()
    .min(50)
    .default(1000)
    .describe('how often a running job looks whether another process has cancelled it, ms'),
  maxWaiting: z.int().min(1).max(100_000).default(1000).describe('unfinished jobs; more are refused'),
  historyCount: z.int().min(1).max(10_000).default(200).describe('finished jobs that are kept; the oldest go'),
  historyDays: z.number().positive().max(3650).default(30).describe('days that finished jobs are kept'),
});

export type JobsConfig = z.output<typeof jobsSchema>;
