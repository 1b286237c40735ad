import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobJson } from '../../console/api/jobs-json.ts';
import { run } from '../cli/command-fixture.ts';
import { type Fixture, openFixture } from './console-fixture.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await openFixture({
    processors: {
      'replay-raw': async ({ job, signal, progress }) => {
        progress(0.5, 'half of it');
        if (job.data['name'] === 'long') {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          signal.throwIfAborted();
        }
        return { name: 'short' };
      },
    },
  });
}, 180_000);

afterAll(() => fixture.close(), 60_000);

async function call(method: 'GET' | 'POST', url: string, body?: object) {
  const response = await fixture.server.inject({ method, url, ...(body && { payload: body }) });
  return { status: response.statusCode, type: response.headers['content-type'], json: response.json<JobJson>() };
}

const reaches = (id: string, state: JobJson['state']): Promise<unknown> =>
  expect
    .poll(async () => (await call('GET', `/api/v1/jobs/${id}`)).json.state, { timeout: 60_000, interval: 50 })
    .toBe(state);

const TIMES = { from: '2026-11-20', to: '2026-11-21' };

describe('the jobs of the HTTP interface', { timeout: 120_000 }, () => {
  it('are none, without a store, before the first', async () => {
    const response = await fixture.server.inject({ url: '/api/v1/jobs' });
    expect(response.json()).toEqual({ items: [] });
    expect((await call('GET', '/api/v1/jobs/nobody')).status).toBe(404);
    expect((await call('POST', '/api/v1/jobs/nobody/cancel', {})).status).toBe(404);
  });

  it('are taken, run and kept, once an id', async () => {
    const asked = { kind: 'replay-raw', id: 'first', name: 'short', ...TIMES };
    const added = await call('POST', '/api/v1/jobs', asked);
    expect(added).toMatchObject({
      status: 202,
      json: {
        id: 'first',
        kind: 'replay-raw',
        requested_by: 'operator',
        data: { from: '2026-11-20T00:00:00.000Z', to: '2026-11-21T00:00:00.000Z', name: 'short' },
      },
    });
    await reaches('first', 'completed');
    expect((await call('POST', '/api/v1/jobs', asked)).json).toMatchObject({
      state: 'completed',
      result: { name: 'short' },
      progress: { fraction: 0.5, note: 'half of it' },
    });
    const listed = await fixture.server.inject({ url: '/api/v1/jobs?state=completed&kind=replay-raw' });
    expect(listed.json()).toMatchObject({ items: [{ id: 'first' }] });
  });

  it('are refused with a problem where they make no sense', async () => {
    for (const body of [
      { kind: 'no-such' },
      { kind: 'replay-raw', from: '2026-11-21', to: '2026-11-20' },
      { kind: 'replay-raw', ...TIMES, name: '../../etc' },
      { kind: 'replay-raw', ...TIMES, id: '1' },
      { kind: 'replay-dead-letters', ids: [] },
      { kind: 'replay-dead-letters', unheard: 'of' },
    ]) {
      const refused = await call('POST', '/api/v1/jobs', body);
      expect(refused).toMatchObject({ status: 400, type: expect.stringContaining('application/problem+json') });
    }
  });

  it('are cancelled while they run, and begun again', async () => {
    const { json } = await call('POST', '/api/v1/jobs', { kind: 'replay-raw', name: 'long', ...TIMES });
    await reaches(json.id, 'active');
    expect((await call('POST', `/api/v1/jobs/${json.id}/retry`, {})).status).toBe(409);
    expect((await call('POST', `/api/v1/jobs/${json.id}/cancel`, {})).json.cancelled_by).toBe('operator');
    await reaches(json.id, 'cancelled');
    expect((await call('POST', '/api/v1/jobs/first/cancel', {})).status).toBe(409);
    await call('POST', `/api/v1/jobs/${json.id}/retry`, {});
    await reaches(json.id, 'active');
    await call('POST', `/api/v1/jobs/${json.id}/cancel`, {});
    await reaches(json.id, 'cancelled');
  });
});

describe('the commands for jobs', { timeout: 120_000 }, () => {
  it('list, show, cancel and retry them, with exit codes', async () => {
    const listed = await run(fixture, ['jobs', 'list', '-o', 'csv']);
    expect(listed.exitCode).toBe(0);
    expect(listed.output).toMatch(/^id,kind,state,/);
    expect(listed.output).toContain('first,replay-raw,completed');
    expect((await run(fixture, ['jobs', 'show', 'first'])).output).toMatch(/state: +completed/);
    expect(await run(fixture, ['jobs', 'show', 'nobody'])).toMatchObject({ exitCode: 3 });
    expect(await run(fixture, ['jobs', 'cancel', 'first'])).toMatchObject({ exitCode: 1 });
  });

  it('replay without waiting, or end the job with the person who waits', async () => {
    const left = await run(fixture, ['replay', '--from', '2d', '--to', '1d', '--name', 'short', '--no-wait']);
    expect(left).toMatchObject({ exitCode: 0 });
    await reaches(left.output.trim(), 'completed');
    const leaving = new AbortController();
    const waited = run(fixture, ['replay', '--from', '2d', '--to', '1d', '--name', 'long'], { signal: leaving.signal });
    await expect
      .poll(
        async () =>
          (await fixture.server.inject({ url: '/api/v1/jobs?state=active' })).json<{ items: [] }>().items.length,
        { timeout: 60_000 },
      )
      .toBe(1);
    leaving.abort();
    expect(await waited).toMatchObject({ exitCode: 1, error: expect.stringContaining('cancelled') });
  });
});
