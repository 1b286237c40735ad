import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portPlan } from '../../services/port-plan.ts';
import { missingRequirements } from '../../services/requirements.ts';
import { type Services, startServices } from '../../services/start-services.ts';
import { serversOn, sweepTemporaryData } from '../../services/temporary-data.ts';

const START = new URL('../../services/start-services.ts', import.meta.url).href;

/** On Redis, which starts in no time: what holds for its process holds for every server's. */
const missing = missingRequirements(['redis']);
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn('skipped: there is no redis-server');

describe.skipIf(missing.length > 0 && process.env['CI'] !== 'true')('a server of the tests', () => {
  let services: Services;
  beforeAll(async () => {
    services = await startServices({ only: ['redis'], proxied: ['redis'], redisPassword: 'p@ss/word' });
  });
  afterAll(() => services.stop());

  function connect(): Redis {
    const redis = new Redis(services.env['VEDETTE_REDIS'] ?? '', {
      commandTimeout: 1000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    redis.on('error', () => undefined);
    return redis;
  }

  it('keeps its data, port and address when it is killed and started again', async () => {
    const before = connect();
    await before.set('kept', 'yes');
    const server = services.server('redis');
    const { pid } = server;
    await server.kill();
    expect(server.running).toBe(false);
    expect(await server.answers()).toBe(false);
    before.disconnect();
    await server.start();
    expect(server.pid).not.toBe(pid);
    const after = connect();
    expect(await after.get('kept')).toBe('yes');
    after.disconnect();
  });

  it('answers nothing while it is frozen, and goes on when it is thawed', async () => {
    const redis = connect();
    await redis.ping();
    services.server('redis').freeze();
    await expect(redis.ping()).rejects.toThrow(/timed out/);
    services.server('redis').thaw();
    expect(await redis.get('kept')).toBe('yes');
    redis.disconnect();
  });

  it('is stopped also while it is frozen', async () => {
    const server = services.server('redis');
    server.freeze();
    await server.stop();
    expect(server.running).toBe(false);
    await server.start();
  });

  it('is reached through its proxy', async () => {
    const redis = connect();
    await redis.ping();
    services.proxy('redis').cut();
    await expect(redis.ping()).rejects.toThrow();
    services.proxy('redis').restore();
    const again = connect();
    expect(await again.ping()).toBe('PONG');
    redis.disconnect();
    again.disconnect();
  });

  it('refuses a wrong password', async () => {
    const redis = new Redis(`redis://:wrong@${services.server('redis').address()}`, { lazyConnect: true });
    redis.on('error', () => undefined);
    await expect(redis.ping()).rejects.toThrow(/WRONGPASS|NOAUTH/);
    redis.disconnect();
  });

  it('is not started on a port that another program has', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'taken-'));
    const client = Number(services.server('redis').address().split(':')[1]);
    const plan = await portPlan(dataDir, {});
    writeFileSync(join(dataDir, 'ports.json'), JSON.stringify({ ...plan, redis: { client } }));
    const second = startServices({ only: ['redis'], dataDir });
    await expect(second).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(String(client)) });
    rmSync(dataDir, { recursive: true });
  });

  it('is ended by the next run where its own was killed', async () => {
    const script = `const { startServices } = await import(${JSON.stringify(START)});
      const services = await startServices({ only: ['redis'] });
      console.log(services.dataDir);
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const folder = line.toString().trim();
    expect(serversOn(folder).map(({ name }) => name)).toEqual(['redis']);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    expect(serversOn(folder)).toHaveLength(1);
    expect(sweepTemporaryData()).toContain(folder);
    expect(existsSync(folder)).toBe(false);
    expect(sweepTemporaryData()).not.toContain(services.dataDir);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const own = await startServices({ only: ['redis'] });
    expect(existsSync(own.dataDir)).toBe(true);
    await own.stop();
    await own.stop();
    expect(existsSync(own.dataDir)).toBe(false);
    expect(own.server('redis').running).toBe(false);
  });
});
