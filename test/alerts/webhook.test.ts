import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openLmdbOutbox } from '../../alerts/lmdb/outbox.ts';
import { toOcsf, type Activity } from '../../alerts/ocsf.ts';
import type { Outbox } from '../../alerts/outbox.ts';
import { Webhook } from '../../alerts/webhook.ts';
import { type WebhookConfig, webhookSchema } from '../../alerts/webhook-config.ts';
import { alert, DETECTORS } from './samples.ts';

const SECRET = 'sixteen letters or more';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
}

describe('the webhook', () => {
  let dir: string;
  let outbox: Outbox;
  let server: Server;
  let url: string;
  let received: Received[];
  /** What the receiver answers; 200 where a case doesn't say. */
  let answer: (request: Received, response: ServerResponse) => void;
  let webhook: Webhook;
  let clockMs: number | undefined;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vedette-webhook-'));
    outbox = openLmdbOutbox({ dir });
    received = [];
    clockMs = undefined;
    answer = (_, response) => response.writeHead(200).end('ok');
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const one = {
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
          atMs: Date.now(),
        };
        received.push(one);
        answer(one, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });

  afterEach(async () => {
    await webhook.stop();
    await outbox.close();
    server.closeAllConnections();
    server.close();
    await rm(dir, { recursive: true });
  });

  async function start(config: Partial<WebhookConfig> = {}): Promise<void> {
    webhook = new Webhook(webhookSchema.parse({ url, secret: SECRET, firstRetryMs: 20, ...config }), {
      outbox,
      now: () => clockMs ?? Date.now(),
      random: () => 0.5,
    });
    await webhook.start();
  }

  function notify(uid: string, activity: Activity, changes: Parameters<typeof alert>[0] = {}): Promise<void> {
    const one = alert({ uid, ...changes });
    return webhook.notify(one.episode, activity, toOcsf(one, { activity, detectors: DETECTORS, productVersion: '1' }));
  }

  async function drained(): Promise<void> {
    await vi.waitFor(() => expect(webhook.pending).toBe(0), { timeout: 5000, interval: 5 });
  }

  it('posts the alert as OCSF, with a signature over its bytes and the time', async () => {
    await start();
    await notify('a', 'create');
    await drained();
    expect(received).toHaveLength(1);
    const [{ headers, body }] = received as [Received];
    expect(JSON.parse(body)).toMatchObject({ class_uid: 2004, activity_id: 1, finding_info: { uid: 'a' } });
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-vedette-delivery': 'a.3.create' });
    const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-vedette-signature']))!;
    expect(mac).toBe(createHmac('sha256', SECRET).update(`${seconds!}.${body}`).digest('hex'));
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(10);
    expect(await outbox.pending()).toEqual([]);
    expect(webhook.counters).toMatchObject({ queued: 1, sent: 1, failed: 0 });
  });

  it('tells of creation and closing alone, and of what is severe enough, unless configured otherwise', async () => {
    await start({ minSeverity: 'medium' });
    await notify('a', 'update');
    await notify('b', 'create', { severity: 'low' });
    await notify('c', 'close', { severity: 'critical' });
    await drained();
    expect(received.map(({ headers }) => headers['x-vedette-delivery'])).toEqual(['c.3.close']);
  });

  it('tries again after an error, ever later, with the same id and bytes', async () => {
    answer = (_, response) => response.writeHead(received.length < 4 ? 500 : 204).end();
    await start({ firstRetryMs: 40 });
    await notify('a', 'create');
    await drained();
    expect(received).toHaveLength(4);
    expect(new Set(received.map(({ headers }) => headers['x-vedette-delivery']))).toEqual(new Set(['a.3.create']));
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    // Half of the wait is jitter, and random gives a half: 30, 60, 120 ms.
    const waits = received.slice(1).map(({ atMs }, i) => atMs - received[i]!.atMs);
    expect(waits[0]).toBeGreaterThanOrEqual(28);
    expect(waits[1]).toBeGreaterThanOrEqual(58);
    expect(waits[2]).toBeGreaterThanOrEqual(118);
    expect(webhook.counters).toMatchObject({ sent: 1, failed: 3 });
  });

  it('sends what is about one alert in order, and does not let it hold up others', async () => {
    answer = ({ headers }, response) => {
      const isStuck = headers['x-vedette-delivery'] === 'a.3.create' && received.length < 6;
      response.writeHead(isStuck ? 503 : 200).end();
    };
    await start({ maxInFlight: 3 });
    await notify('a', 'create');
    await notify('a', 'close', { revision: 4 });
    await notify('b', 'create');
    await drained();
    const order = received.map(({ headers }) => String(headers['x-vedette-delivery']));
    expect(order.at(-1)).toBe('a.4.close');
    expect(order.lastIndexOf('a.3.create')).toBeLessThan(order.indexOf('a.4.close'));
    expect(order.indexOf('b.3.create')).toBeLessThan(order.lastIndexOf('a.3.create'));
  });

  it('has no more under way than it may', async () => {
    let open = 0;
    let most = 0;
    answer = (_, response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.writeHead(200).end();
      }, 10);
    };
    await start({ maxInFlight: 2 });
    await Promise.all(Array.from({ length: 12 }, (_, i) => notify(`u${i}`, 'create')));
    await drained();
    expect(received).toHaveLength(12);
    expect(most).toBe(2);
  });

  it('sends after a restart what was not taken before', async () => {
    answer = (_, response) => response.writeHead(500).end();
    await start({ firstRetryMs: 60_000 });
    await notify('a', 'create');
    await notify('a', 'close', { revision: 4 });
    await vi.waitFor(() => expect(webhook.counters.failed).toBe(1));
    await webhook.stop();
    await outbox.close();

    outbox = openLmdbOutbox({ dir });
    answer = (_, response) => response.writeHead(200).end();
    received = [];
    clockMs = Date.now() + 120_000;
    await start();
    await notify('b', 'create');
    await drained();
    const sent = received.map(({ headers }) => headers['x-vedette-delivery']);
    expect([...sent].sort()).toEqual(['a.3.create', 'a.4.close', 'b.3.create']);
    expect(sent.indexOf('a.3.create')).toBeLessThan(sent.indexOf('a.4.close'));
  });

  it('breaks off on stop, and keeps what was under way', async () => {
    answer = () => {};
    await start();
    await notify('a', 'create');
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await webhook.stop();
    expect(await outbox.pending()).toMatchObject([{ id: 'a.3.create', attempts: 0 }]);
  });

  it('gives up on what is a day old, and counts it', async () => {
    answer = (_, response) => response.writeHead(500).end();
    clockMs = 1_000_000;
    await start();
    await notify('a', 'create');
    await vi.waitFor(() => expect(webhook.counters.failed).toBe(1));
    clockMs += 86_400_000;
    await notify('b', 'create');
    await vi.waitFor(() => expect(webhook.counters.expired).toBe(1));
    expect((await outbox.pending()).map(({ id }) => id)).toEqual(['b.3.create']);
  });

  it('refuses more than its queue holds, and counts it', async () => {
    answer = (_, response) => response.writeHead(500).end();
    await start({ maxQueued: 2, firstRetryMs: 60_000 });
    for (const uid of ['a', 'b', 'c']) await notify(uid, 'create');
    expect(webhook.counters).toMatchObject({ queued: 2, overflow: 1 });
    expect(await outbox.pending()).toHaveLength(2);
  });

  it('queues an event once', async () => {
    answer = (_, response) => response.writeHead(500).end();
    await start({ firstRetryMs: 60_000 });
    await notify('a', 'create');
    await notify('a', 'create');
    expect(webhook.pending).toBe(1);
  });

  it('does not follow a redirect, and waits no longer than its timeout', async () => {
    answer = ({ path }, response) => {
      if (received.length === 1) response.writeHead(307, { location: '/elsewhere' }).end();
      else if (received.length > 2) response.writeHead(200).end(path);
    };
    await start({ timeoutMs: 50 });
    await notify('a', 'create');
    await drained();
    expect(received.map(({ path }) => path)).toEqual(['/hook', '/hook', '/hook']);
    expect(webhook.counters.failed).toBe(2);
  });

  it('waits for a receiver that is not there', async () => {
    const port = (server.address() as AddressInfo).port;
    server.close();
    await once(server, 'close');
    await start();
    await notify('a', 'create');
    await vi.waitFor(() => expect(webhook.counters.failed).toBeGreaterThan(0));
    server.listen(port, '127.0.0.1');
    await drained();
    expect(received).toHaveLength(1);
  });
});

describe('the configuration of the webhook', () => {
  it.each([
    [{ url: 'ftp://example.org', secret: SECRET }, /url|URL/],
    [{ url: 'file:///etc/passwd', secret: SECRET }, /url|URL/],
    [{ url: 'http://user:word@example.org/', secret: SECRET }, /user or password/],
    [{ url: 'https://example.org', secret: 'short' }, /secret/],
    [{ url: 'https://example.org', secret: SECRET, retries: 3 }, /retries/],
    [{ url: 'https://example.org', secret: SECRET, minSeverity: 'bad' }, /minSeverity/],
  ])('refuses %j', (config, message) => {
    expect(() => webhookSchema.parse(config)).toThrow(message);
  });
});
