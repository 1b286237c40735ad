import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertItemSchema } from '../../console/api/alert-json.ts';
import { listen } from '../../console/server.ts';
import { readServerEvents } from '../../cli/server-events.ts';
import { episodeOf, type Fixture, openFixture } from './console-fixture.ts';

const UID = 'a1'.repeat(16);
let fixture: Fixture;
let url: string;
beforeEach(async () => {
  fixture = await openFixture({ heartbeatMs: 20, maxStreams: 2 });
  url = await listen(fixture.server, { host: '127.0.0.1', port: 0 });
});
afterEach(() => fixture.close());

async function open(
  query = '',
  headers: Record<string, string> = {},
): Promise<AsyncGenerator<{ event: string; data: string }>> {
  const response = await fetch(`${url}/api/v1/alerts/stream${query}`, { headers });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return readServerEvents(response.body!);
}

async function next(events: AsyncGenerator<{ event: string; data: string }>) {
  const { value } = (await events.next()) as { value: { event: string; data: string } };
  expect(value.event).toBe('alert');
  return alertItemSchema.parse(JSON.parse(value.data));
}

describe('the stream of alerts', () => {
  it('brings alerts as they appear and as people change them', async () => {
    const events = await open('', { 'last-event-id': 'anything' });
    await fixture.raise(episodeOf());
    expect(await next(events)).toMatchObject({ uid: UID, status: 'new', version: 1 });
    await fixture.server.inject({ method: 'POST', url: `/api/v1/alerts/${UID}/ack` });
    expect(await next(events)).toMatchObject({ status: 'in_progress', version: 2 });
    await events.return(undefined);
  });

  it('brings only what it was asked for', async () => {
    const events = await open('?family=data-loss&open=true');
    await fixture.raise(episodeOf());
    await fixture.raise(episodeOf({ uid: 'c3'.repeat(16), family: 'data-loss', isOpen: false }));
    await fixture.raise(episodeOf({ uid: 'd4'.repeat(16), family: 'data-loss' }));
    expect(await next(events)).toMatchObject({ uid: 'd4'.repeat(16) });
    await events.return(undefined);
  });

  it('gives a sign of life', async () => {
    const response = await fetch(`${url}/api/v1/alerts/stream`);
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk);
      if (text.includes(': still here')) break;
    }
    expect(text).toMatch(/^retry: \d+\n/);
  });

  it('remembers what a slow reader has not taken once an alert, and brings the newest', async () => {
    const response = await fetch(`${url}/api/v1/alerts/stream`);
    const filler = 'x'.repeat(60_000);
    // More than the buffers of both sides hold.
    for (let revision = 1; revision <= 120; revision++) {
      await fixture.backend.alerts.putEpisodes([episodeOf({ revision, entity: filler })]);
      fixture.changed(UID);
    }
    let newest = 0;
    let count = 0;
    for await (const { data } of readServerEvents(response.body!)) {
      count++;
      newest = alertItemSchema.parse(JSON.parse(data)).revision;
      if (newest === 120) break;
    }
    expect(newest).toBe(120);
    expect(count).toBeLessThanOrEqual(120);
  });

  it('ends when the server stops, which does not wait for it', async () => {
    const events = await open();
    const started = performance.now();
    await Promise.all([fixture.server.close(), events.next().then(({ done }) => expect(done).toBe(true))]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('is refused when too many are open', async () => {
    const controllers = Array.from({ length: 2 }, () => new AbortController());
    await Promise.all(controllers.map(({ signal }) => fetch(`${url}/api/v1/alerts/stream`, { signal })));
    const refused = await fetch(`${url}/api/v1/alerts/stream`);
    expect(refused.status).toBe(503);
    controllers.forEach((controller) => controller.abort());
    await expect.poll(async () => {
      const again = await fetch(`${url}/api/v1/alerts/stream`);
      await again.body?.cancel();
      return again.status;
    }).toBe(200); // prettier-ignore
  });
});

describe('listen', () => {
  it('refuses an address that others can reach', async () => {
    await expect(listen(fixture.server, { host: '0.0.0.0', port: 0 })).rejects.toThrow(/access keys/);
  });
});
