import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerProcess } from '../../services/server-process.ts';

describe('a server that does not come up', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'server-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const serverOf = (script: string, answers: boolean): ServerProcess =>
    new ServerProcess({
      kind: 'redis',
      name: 'redis',
      dir,
      command: process.execPath,
      args: ['-e', script],
      env: { PATH: '/usr/bin:/bin' },
      ports: {},
      startTimeoutMs: 1000,
      prepare: async () => undefined,
      answers: async () => answers,
    });

  it('says how it ended, and what it wrote last', async () => {
    const server = serverOf("console.error('the reason'); process.exit(3)", false);
    await expect(server.start()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/redis ended at its start[^]*redis\.log:\nthe reason$/),
    });
  });

  it('is not taken for another one that answers in its place', async () => {
    const server = serverOf('process.exit(1)', true);
    await server.launch();
    while (server.running) await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(server.waitUntilAnswers()).rejects.toThrow(/ended at its start/);
  });

  it('is given up after its time', async () => {
    const server = serverOf("console.error('still at it'); setInterval(() => {}, 1000)", false);
    await expect(server.start()).rejects.toThrow(/did not answer within 1 s[^]*still at it/);
    await server.stop();
    expect(server.running).toBe(false);
  });
});
