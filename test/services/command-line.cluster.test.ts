import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runServices } from '../../services/command-line.ts';
import { missingRequirements } from '../../services/requirements.ts';

const MAIN = fileURLToPath(new URL('../../services/main.ts', import.meta.url));
const skip = missingRequirements(['redis']).length > 0 && process.env['CI'] !== 'true';
if (skip) console.warn('skipped: there is no redis-server');

async function services(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await runServices(args, { out: (text) => (out += text), say: (line) => (err += `${line}\n`) });
  return { code, out, err };
}

describe.skipIf(skip)('npm run services', () => {
  let data: string;
  beforeAll(() => {
    data = mkdtempSync(join(tmpdir(), 'services-'));
  });
  afterAll(async () => {
    await services('down', '--data', data);
    rmSync(data, { recursive: true });
  });

  it('starts servers that live on, stops them, and starts them again on the same port and data', async () => {
    // A process of its own, since what it starts has to outlive it.
    const args = ['--import', 'tsx', MAIN, 'up', '--only', 'redis', '--data', data];
    const up = { out: execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }) };
    const url = /^export VEDETTE_REDIS='(.+)'$/m.exec(up.out)?.[1] ?? '';
    const redis = new Redis(url);
    await redis.set('kept', 'yes');
    redis.disconnect();

    const status = await services('status', '--data', data);
    expect(status.code).toBe(0);
    expect(status.out).toMatch(/^redis +\d+ +answers +127\.0\.0\.1:\d+ .*redis\.log$/m);
    expect((await services('up', '--only', 'redis', '--data', data)).out).toBe(up.out);
    expect((await services('logs', 'redis', '--data', data, '--lines', '1')).out).toContain('Ready to accept');

    expect((await services('down', '--data', data)).err).toMatch(/redis \(process \d+\) stopped/);
    expect(await services('status', '--data', data)).toMatchObject({
      code: 1,
      out: expect.stringContaining('stopped'),
    });
    expect((await services('down', '--data', data)).err).toContain('nothing runs on');

    const again = await services('up', '--only', 'redis', '--data', data);
    expect(again.out).toBe(up.out);
    const reader = new Redis(url);
    expect(await reader.get('kept')).toBe('yes');
    reader.disconnect();
  });

  it.each([
    [['up', '--only', 'redis,rabbitmq'], /no server "rabbitmq"; there are kafka/],
    [['up', '--base-port', 'x'], /--base-port x is no whole number/],
    [['up', '--colour'], /Unknown option '--colour'/],
    [['sideways'], /npm run services -- COMMAND/],
  ])('refuses %j in words', async (args, words) => {
    const { code, out, err } = await services(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(words);
  });
});
