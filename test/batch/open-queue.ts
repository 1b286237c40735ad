import { redisSchema } from '../../config/redis.ts';
import { jobsSchema, type JobsConfig } from '../../config/jobs.ts';
import { openPgliteJobs } from '../../batch/pglite/index.ts';
import { openRedisJobs } from '../../batch/redis/index.ts';
import type { JobQueue } from '../../batch/job-queue.ts';

/** Where a queue is kept, in a form that goes to another process as text. */
export type QueuePlace =
  | { readonly adapter: 'pglite'; readonly dir: string }
  | { readonly adapter: 'redis'; readonly redis: Readonly<Record<string, unknown>> };

/** Short times, so that a test sees a worker's death and the next try. */
const QUICK: Partial<JobsConfig> = {
  lockMs: 1000,
  stalledCheckMs: 300,
  cancelPollMs: 100,
  backoffMs: 50,
};

export async function openQueue(
  place: QueuePlace,
  settings: Partial<JobsConfig> = {},
  onNotice: (level: string, message: string) => void = () => undefined,
): Promise<JobQueue> {
  const config = jobsSchema.parse({ ...QUICK, ...settings });
  return place.adapter === 'pglite'
    ? openPgliteJobs({ dir: place.dir, config, onNotice })
    : openRedisJobs({ redis: redisSchema.parse(place.redis), config, onNotice });
}
