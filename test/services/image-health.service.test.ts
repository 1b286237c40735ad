import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../../services/project-root.ts';

describe("the image's health check", () => {
  let folder: string;
  let server: Server;
  let status = 200;
  let asked: string | undefined;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'health-'));
    mkdirSync(join(folder, 'var'));
    server = createServer((request, response) => {
      asked = request.url;
      response.writeHead(status).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(folder, 'var', 'instance.json'), JSON.stringify({ url: `http://127.0.0.1:${port}` }));
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  async function check(): Promise<unknown> {
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'deploy/image/health.mjs')], { cwd: folder });
    return (await once(child, 'exit'))[0];
  }

  it('asks the role where it listens', async () => {
    status = 200;
    expect(await check()).toBe(0);
    expect(asked).toBe('/healthz');
  });

  it('fails where the role does not answer, or answers otherwise', async () => {
    status = 500;
    expect(await check()).toBe(1);
    server.close();
    server.closeAllConnections();
    expect(await check()).toBe(1);
  });
});
