import { Queue, Worker } from 'bullmq';
import type { JobsConfig } from '../../config/jobs.ts';
import type { RedisConfig } from '../../config/redis.ts';
import { BullJobQueue, type BullQueue } from '../bull-queue.ts';
import type { JobEnvelope } from '../bull-record.ts';
import type { JobQueue, JsonValue } from '../job-queue.ts';
import { checkServer, createClient, redisError, type RedisClient } from './connect.ts';

const QUEUE = 'jobs';
/** How long an idle worker's blocking call waits, s: a close may have to wait for it, in a cluster. */
const IDLE_POLL_S = 1;

export interface RedisJobsOptions {
  readonly redis: RedisConfig;
  readonly config: JobsConfig;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/**
 * The job queue of the cluster form: BullMQ on Redis. While the server is away, operations fail with QUEUE_UNAVAILABLE and
 * workers wait for it. Errors of opening: UNAUTHORIZED, QUEUE_UNAVAILABLE.
 */
export async function openRedisJobs(options: RedisJobsOptions): Promise<JobQueue> {
  const { redis, config, onNotice } = options;
  const { evictionPolicy } = await checkServer(redis);
  if (evictionPolicy !== undefined && evictionPolicy !== 'noeviction')
    onNotice(
      'warn',
      `Redis at ${redis.nodes.join(', ')} has maxmemory-policy ${evictionPolicy}: when its memory is full it drops jobs. ` +
        'Set maxmemory-policy noeviction.',
    );
  const clients: RedisClient[] = [];
  const client = (patience: 'ask' | 'wait'): RedisClient => {
    const made = createClient(redis, patience);
    // Told through the queue's and the worker's own error event, to which BullMQ forwards it.
    made.on('error', () => undefined);
    clients.push(made);
    return made;
  };
  // In braces: a cluster keeps all keys of a queue on one node.
  const prefix = `{${redis.namespace}}`;
  // BullMQ prints a warning of its own about the policy at every connection; ours has been told.
  const shared = { prefix, skipVersionCheck: true };
  const queue: BullQueue = new Queue<JobEnvelope, JsonValue>(QUEUE, { ...shared, connection: client('ask') });
  return new BullJobQueue({
    config,
    onNotice,
    queue,
    createWorker: (process, settings) =>
      new Worker(QUEUE, process, { ...settings, drainDelay: IDLE_POLL_S, ...shared, connection: client('wait') }),
    operationMs: redis.commandTimeoutMs,
    errorOf: (error) => redisError(redis, error),
    disconnect: async () => {
      for (const made of clients) made.disconnect();
    },
  });
}
