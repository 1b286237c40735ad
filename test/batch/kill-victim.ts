import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openQueue } from './open-queue.ts';

/**
 * Adds, runs and finishes jobs until it is killed. Writes down, each before the next: which jobs were acknowledged, which
 * were begun, and the effect of each, which is a file that can be made once.
 */
const [dir, notes, cycle] = process.argv.slice(2) as [string, string, string];
const queue = await openQueue({ adapter: 'pglite', dir: join(dir, 'jobs') }, { historyCount: 10_000, maxStalls: 1000 });
process.stdout.write('open\n');
await queue.work(
  {
    test: async ({ job, progress }) => {
      appendFileSync(join(notes, 'begun'), `${job.id}\n`);
      progress(0.5);
      await sleep(Math.random() * 40);
      writeFileSync(join(notes, 'effects', job.id), '');
      return job.id;
    },
  },
  { concurrency: 2 },
);
for (let i = 0; ; i++) {
  const id = `job-${cycle}-${i}`;
  await queue.add({ id, kind: 'test', data: { cycle, i }, requestedBy: 'test' });
  appendFileSync(join(notes, 'acknowledged'), `${id}\n`);
  await sleep(Math.random() * 30);
}
