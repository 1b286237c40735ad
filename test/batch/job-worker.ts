import { openQueue, type QueuePlace } from './open-queue.ts';

/** Works until it is killed: says on standard output which job it has begun, and never ends it. */
const place = JSON.parse(process.argv[2]!) as QueuePlace;
const queue = await openQueue(place);
await queue.work(
  {
    hang: async ({ job }) => {
      process.stdout.write(`began ${job.id}\n`);
      return new Promise(() => undefined);
    },
  },
  { concurrency: 1 },
);
process.stdout.write('working\n');
