import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeJobQueue } from './job-queue.contract.ts';
import { openQueue, type QueuePlace } from './open-queue.ts';
import { freePort, RedisServer } from './redis-server.ts';

const PASSWORD = 'correct horse';
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start(['--requirepass', PASSWORD, '--maxmemory-policy', 'noeviction']);
});

afterAll(() => server.remove());

function place(given: Record<string, unknown> = {}): QueuePlace & { adapter: 'redis' } {
  const namespace = `t-${randomBytes(6).toString('hex')}`;
  return { adapter: 'redis', redis: { nodes: [server.address], password: PASSWORD, namespace, ...given } };
}

describeJobQueue('Redis', async () => ({ place: place(), remove: async () => undefined }));

describe('the job queue in Redis', { timeout: 30_000 }, () => {
  it('says once that the password is wrong', async () => {
    const asked = performance.now();
    await expect(openQueue(place({ password: 'wrong' }))).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(openQueue(place({ password: undefined }))).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(performance.now() - asked).toBeLessThan(3000);
  });

  it('says once that there is no server', async () => {
    const nodes = [`127.0.0.1:${await freePort()}`];
    await expect(openQueue(place({ nodes }))).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    await expect(openQueue(place({ nodes: ['no-such-host.invalid:6379'] }))).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
    });
  });

  it('reaches a job that runs in another process with a cancellation', async () => {
    const where = place();
    const [worker, asker] = [await openQueue(where), await openQueue(where)];
    try {
      const begun = new Promise<void>((resolve) => {
        void worker.work(
          {
            hang: async ({ signal }) => {
              resolve();
              await new Promise((aborted) => signal.addEventListener('abort', aborted));
              signal.throwIfAborted();
              return null;
            },
          },
          { concurrency: 1 },
        );
      });
      const { id } = await asker.add({ kind: 'hang', data: {}, requestedBy: 'somebody' });
      await begun;
      await asker.cancel(id, 'an operator');
      await expect.poll(async () => (await asker.get(id))?.state, { timeout: 5000 }).toBe('cancelled');
    } finally {
      await worker.close();
      await asker.close();
    }
  });

  it('fails while the server is away and goes on when it is back, with all that was added', async () => {
    const own = await RedisServer.start();
    const where = place({ nodes: [own.address], password: undefined, commandTimeoutMs: 2000 });
    const notices: string[] = [];
    const queue = await openQueue(where, {}, (_level, message) => notices.push(message));
    try {
      await queue.work({ test: async ({ job }) => job.id }, { concurrency: 1 });
      await queue.add({ id: 'before', kind: 'test', data: {}, requestedBy: 'somebody' });
      await own.kill();
      await expect(queue.add({ kind: 'test', data: {}, requestedBy: 'somebody' })).rejects.toMatchObject({
        code: 'QUEUE_UNAVAILABLE',
      });
      await own.resume();
      await expect
        .poll(
          async () =>
            (await queue.add({ id: 'after', kind: 'test', data: {}, requestedBy: 'me' }).catch(() => undefined))?.id,
          { timeout: 15_000 },
        )
        .toBe('after');
      await expect.poll(async () => (await queue.get('after'))?.state, { timeout: 15_000 }).toBe('completed');
      expect((await queue.get('before'))?.state).toBe('completed');
      expect(notices.length).toBeLessThan(10);
    } finally {
      await queue.close();
      await own.remove();
    }
  });

  it('warns of a server that drops keys when its memory is full', async () => {
    const own = await RedisServer.start(['--maxmemory-policy', 'allkeys-lru']);
    const notices: string[] = [];
    const where = place({ nodes: [own.address], password: undefined });
    const queue = await openQueue(where, {}, (level, message) => notices.push(`${level} ${message}`));
    await queue.close();
    await own.remove();
    expect(notices).toEqual([expect.stringMatching(/^warn .*allkeys-lru.*noeviction/)]);
  });
});
