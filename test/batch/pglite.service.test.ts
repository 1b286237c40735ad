import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { describeJobQueue } from './job-queue.contract.ts';
import { openQueue } from './open-queue.ts';

/** An empty store, made once: that takes seconds, a copy of it none. */
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vedette-jobs-'));
  await (await openQueue({ adapter: 'pglite', dir: join(root, 'empty') })).close();
}, 180_000);

afterAll(() => rm(root, { recursive: true }));

let made = 0;

describeJobQueue('PGlite', async () => {
  const dir = join(root, `store-${made++}`);
  await cp(join(root, 'empty'), dir, { recursive: true });
  return { place: { adapter: 'pglite', dir }, remove: () => rm(dir, { recursive: true }) };
});
