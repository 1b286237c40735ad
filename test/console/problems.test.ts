import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemSchema } from '../../console/problem.ts';
import { VedetteError } from '../../model/errors.ts';
import { episodeOf, type Fixture, openFixture } from './console-fixture.ts';

const UID = 'a1'.repeat(16);
const JSON_TYPE = { 'content-type': 'application/json' };

let fixture: Fixture;
const failures: unknown[] = [];
beforeAll(async () => {
  fixture = await openFixture({ onError: (error) => failures.push(error) });
  await fixture.raise(episodeOf());
});
afterAll(() => fixture.close());

interface Bad {
  readonly why: string;
  readonly status: number;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly payload?: string | Buffer;
  readonly headers?: Record<string, string>;
  /** Path of the first error that is listed. */
  readonly path?: string;
}

const SQL = { method: 'POST', url: '/api/v1/sql', headers: JSON_TYPE } as const;
const INGEST = { method: 'POST', url: '/api/v1/ingest', headers: JSON_TYPE } as const;
const CLOSE = { method: 'POST', url: `/api/v1/alerts/${UID}/close`, headers: JSON_TYPE } as const;

const BAD: readonly Bad[] = [
  { why: 'an unknown path', status: 404, url: '/api/v1/nothing' },
  { why: 'an unknown alert', status: 404, url: `/api/v1/alerts/${'0'.repeat(32)}` },
  { why: 'a uid that is none', status: 404, url: '/api/v1/alerts/%00%27' },
  { why: 'a path that is no URL', status: 400, url: '/api/v1/alerts/%zz' },
  { why: 'a very long path', status: 414, url: `/api/v1/alerts/${'a'.repeat(3000)}` },
  { why: 'a wrong method', status: 405, method: 'DELETE', url: '/api/v1/alerts' },
  { why: 'a wrong method on a parameter', status: 405, method: 'PUT', url: `/api/v1/alerts/${UID}` },
  { why: 'GET for an action', status: 405, url: `/api/v1/alerts/${UID}/ack` },
  { why: 'an unknown query parameter', status: 400, url: '/api/v1/alerts?sincee=1h', path: 'sincee' },
  { why: 'a parameter given twice', status: 400, url: '/api/v1/alerts?entity=a&entity=b', path: 'entity' },
  { why: 'a prototype as parameter', status: 400, url: '/api/v1/alerts?__proto__=1' },
  { why: 'a time that is none', status: 400, url: '/api/v1/alerts?since=yesterday', path: 'since' },
  { why: 'a limit of 0', status: 400, url: '/api/v1/alerts?limit=0', path: 'limit' },
  { why: 'a limit of 1e3', status: 400, url: '/api/v1/alerts?limit=1e3', path: 'limit' },
  { why: 'a limit too high', status: 400, url: '/api/v1/alerts?limit=501', path: 'limit' },
  { why: 'a cursor of its own making', status: 400, url: '/api/v1/alerts?cursor=abc' },
  { why: 'an unknown severity', status: 400, url: '/api/v1/alerts?severity=bad', path: 'severity' },
  { why: 'open=1', status: 400, url: '/api/v1/alerts?open=1', path: 'open' },
  { why: 'a wrong filter on the page', status: 400, url: '/?severity=bad', path: 'severity' },
  { why: 'a dead letter by name', status: 404, url: '/api/v1/dead-letters/abc' },
  { why: 'a wrong cursor of dead letters', status: 400, url: '/api/v1/dead-letters?cursor=%7B%7D' },
  { ...SQL, why: 'no statement', status: 400, payload: '{}', path: 'query' },
  { ...SQL, why: 'an integer as statement', status: 400, payload: '{"query":7}', path: 'query' },
  { ...SQL, why: 'an array as body', status: 400, payload: '[]', path: '' },
  { ...SQL, why: 'null as body', status: 400, payload: 'null' },
  { ...SQL, why: 'no JSON', status: 400, payload: '{"query":' },
  { ...SQL, why: 'an empty body', status: 400, payload: '' },
  { ...SQL, why: '__proto__ in the body', status: 400, payload: '{"query":"SELECT 1","__proto__":{"a":1}}' },
  { ...SQL, why: 'an unknown field', status: 400, payload: '{"query":"SELECT 1","sql":""}', path: 'sql' },
  { ...SQL, why: 'a parameter that is an object', status: 400, payload: '{"query":"x","parameters":{"a":{}}}' },
  { ...SQL, why: 'too many rows', status: 400, payload: '{"query":"x","max_rows":1e9}', path: 'max_rows' },
  { ...SQL, why: 'text/plain', status: 415, headers: { 'content-type': 'text/plain' }, payload: 'SELECT 1' },
  { ...SQL, why: 'a body that is too large', status: 413, payload: `{"query":"${'x'.repeat(1_100_000)}"}` },
  { ...INGEST, why: 'nothing to take in', status: 400, payload: '' },
  { ...INGEST, why: 'a form', status: 415, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'a=1' },
  { ...INGEST, why: 'no content type', status: 415, headers: {}, payload: Buffer.from('{}') },
  { ...INGEST, why: 'a content type that is none', status: 415, headers: { 'content-type': ';;' }, payload: '{}' },
  { ...INGEST, why: 'Brotli', status: 415, headers: { ...JSON_TYPE, 'content-encoding': 'br' }, payload: 'x' },
  { ...INGEST, why: 'a key that is too long', status: 400, headers: { ...JSON_TYPE, 'idempotency-key': 'k'.repeat(256) }, payload: '{}', path: 'idempotency-key' },
  { ...INGEST, why: 'a format that is a path', status: 400, url: '/api/v1/ingest?format=../x', payload: '{}', path: 'format' },
  { ...INGEST, why: 'more than 16 MiB', status: 413, payload: Buffer.alloc(16 * 1024 * 1024 + 1, 0x20) },
  { ...CLOSE, why: 'no verdict', status: 400, payload: '{}', path: 'verdict' },
  { ...CLOSE, why: 'a verdict of its own', status: 400, payload: '{"verdict":"fine"}', path: 'verdict' },
  { ...CLOSE, why: 'an integer as comment', status: 400, payload: '{"verdict":"benign","comment":5}', path: 'comment' },
  { ...CLOSE, why: 'a comment that is too long', status: 400, payload: `{"verdict":"benign","comment":"${'x'.repeat(5000)}"}`, path: 'comment' },
  { ...CLOSE, why: 'an If-Match that is none', status: 400, headers: { ...JSON_TYPE, 'if-match': 'x' }, payload: '{"verdict":"benign"}', path: 'if-match' },
  { ...CLOSE, why: 'an old If-Match', status: 412, headers: { ...JSON_TYPE, 'if-match': '"99"' }, payload: '{"verdict":"benign"}' },
  { method: 'POST', why: 'an alert that is not there', status: 404, url: `/api/v1/alerts/${'0'.repeat(32)}/ack` },
  { method: 'POST', why: 'an unknown query', status: 404, url: '/api/v1/queries/x', headers: JSON_TYPE, payload: '{}' },
  { method: 'POST', why: 'ids that are text', status: 400, url: '/api/v1/dead-letters/replay', headers: JSON_TYPE, payload: '{"ids":["1"]}', path: 'ids.0' },
  { method: 'POST', why: 'a form without its version', status: 400, url: `/alerts/${UID}/ack`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'comment=', path: 'version' },
  { why: 'another name for this machine', status: 403, url: '/', headers: { host: 'evil.example' } },
  { why: 'an address that begins like ours', status: 403, url: '/', headers: { host: '127.0.0.1.evil.example:80' } },
  { why: 'another site', status: 403, url: '/api/v1/alerts', headers: { origin: 'https://evil.example' } },
  { why: 'a page without an origin', status: 403, url: '/api/v1/alerts', headers: { origin: 'null' } },
  { why: 'another port', status: 403, url: '/api/v1/alerts', headers: { host: 'localhost:80', origin: 'http://localhost:81' } },
  { why: 'an image on another site', status: 403, url: '/metrics', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } },
]; // prettier-ignore

describe('a request that is wrong', () => {
  it.each(BAD)('$status for $why', async (bad) => {
    const reply = await fixture.server.inject({
      method: bad.method ?? 'GET',
      url: bad.url,
      headers: bad.headers ?? {},
      ...(bad.payload !== undefined && { payload: bad.payload }),
    });
    expect(reply.statusCode).toBe(bad.status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    const problem = problemSchema.strict().parse(reply.json());
    expect(problem.status).toBe(bad.status);
    expect(problem.detail).not.toBe('');
    if (bad.path !== undefined) expect(problem.errors?.[0]?.path).toBe(bad.path);
    if (bad.status === 405) expect(reply.headers.allow).toMatch(/GET|POST/);
  });

  it('is refused before it reaches the store', () => {
    expect(fixture.statements).toEqual([]);
    expect(fixture.ingested).toEqual([]);
    expect(failures).toEqual([]);
  });
});

describe('a failure inside', () => {
  it.each([new Error('secret at /srv/vedette'), new VedetteError('LOG_CORRUPT', 'segment 7 in /srv/vedette')])(
    'is a 500 that says nothing of the inside, and is reported: %s',
    async (failure) => {
      fixture.failure = failure;
      const reply = await fixture.server.inject({ ...INGEST, payload: '{}' });
      fixture.failure = undefined;
      expect(reply.statusCode).toBe(500);
      expect(reply.body).not.toContain('/srv');
      expect(failures.at(-1)).toBe(failure);
    },
  );
});

describe('a browser', () => {
  it('gets a page that says what is wrong', async () => {
    const reply = await fixture.server.inject({ url: '/nothing/<b>', headers: { accept: 'text/html,*/*' } });
    expect(reply.statusCode).toBe(404);
    expect(reply.headers['content-type']).toContain('text/html');
    expect(reply.body).toContain('Not found');
    expect(reply.body).not.toContain('<b>');
  });

  it('may follow a link from elsewhere', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await fixture.server.inject({ url: '/', headers })).statusCode).toBe(200);
  });
});

describe('every answer', () => {
  it.each(['/', '/api/v1/alerts', '/assets/live.js', '/nothing'])(
    'of %s has the headers that confine a browser',
    async (url) => {
      const { headers } = await fixture.server.inject({ url });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' });
    },
  );
});
