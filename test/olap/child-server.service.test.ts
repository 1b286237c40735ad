import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveChildLibraries } from '../../olap/child-host.ts';
import { ChildServer } from '../../olap/child-server.ts';
import { openStore } from './store-fixture.ts';

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 800) throw new Error('the condition did not come true within 20 s');
    await sleep(25);
  }
}

function status(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('the ClickHouse child', () => {
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeAll(async () => {
    store = await openStore({ migrated: false });
  });
  afterAll(() => store.close());

  it('answers under its secret path only', async () => {
    const { url, pathname } = store.server.endpoint;
    expect(await status(`${url}${pathname ?? ''}?query=SELECT%201`)).toBe(200);
    for (const path of ['/', '/ping', '/play', '/?query=SELECT%201', '/metrics']) {
      expect(await status(url + path)).toBe(404);
    }
  });

  it('keeps its configuration from other users', () => {
    const folder = join(store.server.logFile, '..');
    for (const file of ['config.xml', 'users.xml']) expect(statSync(join(folder, file)).mode & 0o077).toBe(0);
  });

  it('sees none of our environment', async () => {
    const sql =
      "SELECT length(splitByChar('\\0', line)) AS n FROM file('/proc/self/environ', 'RawBLOB', 'line String')";
    const [row] = await store.client.query<{ n: number }>(sql);
    expect(row?.n).toBeLessThanOrEqual(4);
  });

  it('runs queries side by side and binds parameters', async () => {
    const asked = Array.from({ length: 8 }, (_, i) => store.client.query('SELECT {i:UInt64} * 2 AS double', { i }));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 8 }, (_, i) => [{ double: i * 2 }]));
  });

  it('refuses a wrong statement with its code', async () => {
    await expect(store.client.query('SELECT nothing')).rejects.toMatchObject({ code: 'OLAP_REFUSED', retry: false });
  });

  it('refuses a second server on its folder', async () => {
    const second = new ChildServer({ dataDir: join(store.server.logFile, '..'), stopTimeoutMs: 200 });
    await expect(second.start()).rejects.toMatchObject({ code: 'LOCKED' });
    expect(second.state).toBe('stopped');
    expect(await store.client.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('comes back after kill -9 with every acknowledged row', async () => {
    const { server, client } = store;
    await client.command('CREATE DATABASE kept ENGINE = Atomic');
    await client.command('CREATE TABLE kept.t (n UInt64) ENGINE = MergeTree ORDER BY n');
    await client.command('INSERT INTO kept.t SELECT number FROM numbers(1000)');
    let told = 0;
    server.onRestart(() => told++);
    process.kill(server.pid ?? 0, 'SIGKILL');
    await until(() => server.state !== 'ready');
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: 'OLAP_UNAVAILABLE', retry: true });
    await until(() => server.state === 'ready');
    expect([server.restarts, told]).toEqual([1, 1]);
    expect(await client.query('SELECT count() AS n FROM kept.t')).toEqual([{ n: 1000 }]);
  });
});

describe('a ClickHouse child whose parent was killed', () => {
  it('ends by itself, and the next parent takes the folder over', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'vedette-orphan-'));
    const sources = new URL('../../olap/child-server.ts', import.meta.url).href;
    const script = `import { ChildServer } from ${JSON.stringify(sources)};
      const server = new ChildServer({ dataDir: ${JSON.stringify(dataDir)} });
      await server.start();
      process.stdout.write('ready');
      await new Promise(() => setInterval(() => undefined, 1000));`;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const { pid } = JSON.parse(readFileSync(join(dataDir, 'child.json'), 'utf8')) as { pid: number };
    const gone = new Promise((resolve) => parent.once('exit', resolve));
    parent.kill('SIGKILL');
    await gone;
    const next = new ChildServer({ dataDir });
    await next.start();
    expect(next.state).toBe('ready');
    expect(next.pid).not.toBe(pid);
    await next.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
});

describe('a platform without the library', () => {
  it('is named, with those that have it', () => {
    expect(() => resolveChildLibraries('win32-x64')).toThrow(/linux-x64.*not on win32-x64/);
  });
});
