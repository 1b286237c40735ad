import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgent, post, type PostOptions } from '../../olap/http-transport.ts';

describe.each(['http', 'https'] as const)('a post by %s', (protocol) => {
  let server: Server;
  let sockets: Socket[];
  let bodies: string[];
  let send: (options?: Partial<PostOptions>) => Promise<string>;
  let close: () => void;

  beforeEach(async () => {
    [sockets, bodies] = [[], []];
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
      request.on('end', () => response.end('stored'));
    };
    const tls = protocol === 'https' ? selfSigned() : undefined;
    server = tls ? createTlsServer(tls, answer) : createServer(answer);
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = { url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const agent = createAgent(endpoint, tls ? { tls: { ca: tls.cert } } : {});
    const body = [Buffer.from('rows')];
    send = (options) => post(endpoint, { agent, parameters: {}, body, timeoutMs: 5000, ...options });
    close = () => agent.destroy();
  });
  afterEach(async () => {
    close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('sends nothing before it may, once it is connected, on a kept connection too', async () => {
    for (const total of [1, 2]) {
      const beforeSend = async (): Promise<void> => {
        await sleep(50);
        expect({ sockets: sockets.length, bodies: bodies.length }).toEqual({ sockets: 1, bodies: total - 1 });
      };
      expect(await send({ beforeSend })).toBe('stored');
      expect(bodies.length).toBe(total);
    }
  });

  it('sends nothing where it may not, rejects with the reason, and goes on with others', async () => {
    const reason = new Error('not yours any more');
    await expect(send({ beforeSend: () => Promise.reject(reason) })).rejects.toBe(reason);
    expect(bodies).toEqual([]);
    expect(await send()).toBe('stored');
    await expect(send({ beforeSend: () => Promise.reject(reason) })).rejects.toBe(reason);
    expect(await send()).toBe('stored');
    expect(bodies).toEqual(['rows', 'rows']);
  });

  it.each(['first', 'kept'])('sends nothing when its %s connection is closed while it waits', async (which) => {
    if (which === 'kept') await send();
    let isOver: Promise<void> = Promise.resolve();
    const beforeSend = async (): Promise<void> => {
      // By https the server is connected a little later than the client.
      await sleep(50);
      sockets.at(-1)!.destroy();
      await (isOver = sleep(100));
    };
    await expect(send({ beforeSend })).rejects.toMatchObject({ code: 'OLAP_UNAVAILABLE' });
    await isOver;
    await sleep(20);
    expect(bodies.length).toBe(which === 'kept' ? 1 : 0);
    expect(await send()).toBe('stored');
  });

  it('gives up when it may not send within its time', async () => {
    let isOver: Promise<void> = Promise.resolve();
    const beforeSend = (): Promise<void> => (isOver = sleep(300));
    await expect(send({ beforeSend, timeoutMs: 100 })).rejects.toMatchObject({ code: 'OLAP_UNAVAILABLE' });
    await isOver;
    await sleep(20);
    expect(bodies).toEqual([]);
  });

  it('asks nothing where nobody listens', async () => {
    await new Promise((resolve) => server.close(resolve));
    let isAsked = false;
    const beforeSend = async (): Promise<void> => void (isAsked = true);
    await expect(send({ beforeSend })).rejects.toMatchObject({ code: 'OLAP_UNAVAILABLE' });
    expect(isAsked).toBe(false);
  });
});

function selfSigned(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', ...form, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true, force: true });
  return pair;
}
