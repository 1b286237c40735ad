import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeJobQueue } from './job-queue.contract.ts';
import { openQueue, type QueuePlace } from './open-queue.ts';
import { freePort, RedisServer } from './redis-server.ts';

const PASSWORD = 'correct horse';
const CLUSTER = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'];
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

  it('works with a cluster, with its keys on one node, and says once that its password is wrong', async () => {
    const own = await RedisServer.start([...CLUSTER, '--requirepass', PASSWORD]);
    const asked = [
      '-p',
      String(own.port),
      '--no-auth-warning',
      '-a',
      PASSWORD,
      'CLUSTER',
      'ADDSLOTSRANGE',
      '0',
      '16383',
    ];
    execFileSync('redis-cli', asked);
    const cluster = { topology: 'cluster', nodes: [own.address] };
    await expect.poll(() => doesAJob(place(cluster)).catch(String), { timeout: 20_000 }).toBe('done');
    await expect(openQueue(place({ ...cluster, password: 'wrong' }))).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(
      openQueue(place({ topology: 'cluster', nodes: [`127.0.0.1:${await freePort()}`] })),
    ).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    await own.remove();
  });

  it('finds the master through sentinels', async () => {
    const own = await RedisServer.start(['--requirepass', PASSWORD]);
    const sentinel = await RedisServer.start(['--sentinel'], {
      config: `sentinel monitor main 127.0.0.1 ${own.port} 1\nsentinel auth-pass main "${PASSWORD}"\n`,
    });
    const where = place({ topology: 'sentinel', nodes: [sentinel.address], sentinel: { master: 'main' } });
    expect(await doesAJob(where)).toBe('done');
    await sentinel.remove();
    await own.remove();
  });

  it('speaks TLS, and takes no certificate that it does not trust', async () => {
    const own = await RedisServer.start([], { tls: true });
    const where = { nodes: [`localhost:${own.port}`], password: undefined };
    expect(await doesAJob(place({ ...where, tls: { ca: join(own.dir, 'cert.pem') } }))).toBe('done');
    await expect(openQueue(place({ ...where, tls: {} }))).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      message: expect.stringMatching(/certificate/),
    });
    await own.remove();
  });
});

async function doesAJob(where: QueuePlace): Promise<unknown> {
  const queue = await openQueue(where);
  try {
    await queue.work({ test: async () => 'done' }, { concurrency: 1 });
    const { id } = await queue.add({ kind: 'test', data: {}, requestedBy: 'somebody' });
    await expect.poll(async () => (await queue.get(id))?.state, { timeout: 10_000 }).toBe('completed');
    return (await queue.get(id))?.result;
  } finally {
    await queue.close();
  }
}
