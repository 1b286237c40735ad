import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertItemSchema, alertSchema } from '../../console/api/alert-json.ts';
import { statusSchema } from '../../console/api/status-json.ts';
import { VedetteError } from '../../model/errors.ts';
import { episodeOf, findingOf, type Fixture, NOW_MS, openFixture, statusOf } from './console-fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const get = (url: string) => fixture.server.inject({ url });
const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
  fixture.server.inject({ method: 'POST', url, payload, headers });

describe('ingest', () => {
  it.each([
    'application/x-ndjson',
    'application/json',
    'text/csv',
    'text/plain; charset=utf-8',
    'application/octet-stream',
  ])('hands a body of %s on, byte for byte', async (type) => {
    const payload = Buffer.from('{"a":1}\n{not json\u0000\n');
    const reply = await fixture.server.inject({
      method: 'POST',
      url: '/api/v1/ingest',
      payload,
      headers: { 'content-type': type },
    });
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toEqual({ events: 3, late: 1, dead_letters: 2, replayed: false });
    expect(Buffer.from(fixture.ingested[0]!.body)).toEqual(payload);
    expect(fixture.ingested[0]).toMatchObject({ encoding: 'identity' });
  });

  it('passes gzip, the format and the key on', async () => {
    const payload = gzipSync('{}\n');
    await fixture.server.inject({
      method: 'POST',
      url: '/api/v1/ingest?format=zeek-json',
      payload,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'idempotency-key': 'batch 7' },
    });
    expect(fixture.ingested[0]).toMatchObject({ encoding: 'gzip', format: 'zeek-json', idempotencyKey: 'batch 7' });
    expect(Buffer.from(fixture.ingested[0]!.body)).toEqual(payload);
  });

  it('asks to come again when the log is full', async () => {
    fixture.failure = new VedetteError('LOG_FULL', 'the event log is at its cap of 10 GB');
    const reply = await fixture.server.inject({
      method: 'POST', url: '/api/v1/ingest', payload: '{}', headers: { 'content-type': 'application/json' },
    }); // prettier-ignore
    expect(reply.statusCode).toBe(503);
    expect(reply.headers['retry-after']).toBe('10');
    expect(reply.json()).toMatchObject({ code: 'LOG_FULL', detail: 'the event log is at its cap of 10 GB' });
  });
});

describe('alerts', () => {
  const OTHER = 'b2'.repeat(16);
  beforeEach(async () => {
    await fixture.raise(episodeOf());
    await fixture.raise(
      episodeOf({
        uid: OTHER, family: 'data-loss', entity: '10.0.0.7', severity: 'medium', isOpen: false, closedMs: NOW_MS - 3_600_000,
        sinceMs: NOW_MS - 7_300_000, firstPaneMs: NOW_MS - 7_200_000, lastPaneMs: NOW_MS - 7_000_000,
        evidence: [findingOf({ detector: 'large-upload', family: 'data-loss', entity: '10.0.0.7', unit: 'bytes' })],
      }),
    ); // prettier-ignore
  });

  it('lists them as documented, last seen first', async () => {
    const { items } = (await get('/api/v1/alerts')).json();
    expect(items.map((item: unknown) => alertItemSchema.strict().parse(item).uid)).toEqual(['a1'.repeat(16), OTHER]);
    expect(items[1]).toMatchObject({
      family: 'data-loss', severity: 'medium', status: 'new', verdict: 'unknown', entity: '10.0.0.7', open: false,
      detectors: ['large-upload'], technique: 'T1048', closed: '2026-11-21T13:30:00.000Z', version: 1,
    }); // prettier-ignore
  });

  it.each([
    ['since=1h', ['10.0.0.5']],
    ['since=24h', ['10.0.0.5', '10.0.0.7']],
    ['until=2026-11-21T13:00:00Z', ['10.0.0.7']],
    ['until=2026-11-21 13:00:00', ['10.0.0.7']],
    ['family=data-loss', ['10.0.0.7']],
    ['entity=10.0.0.5', ['10.0.0.5']],
    ['detector=large-upload', ['10.0.0.7']],
    ['open=true', ['10.0.0.5']],
    ['open=false', ['10.0.0.7']],
    ['severity=high', ['10.0.0.5']],
    ['severity=medium', ['10.0.0.5', '10.0.0.7']],
    ['status=closed', []],
    ['uid=b2b2', ['10.0.0.7']],
    [`uid=${OTHER}`, ['10.0.0.7']],
    ['uid=c', []],
  ])('filters by %s', async (query, entities) => {
    const { items } = (await get(`/api/v1/alerts?${query}`)).json();
    expect(items.map(({ entity }: { entity: string }) => entity)).toEqual(entities);
  });

  it('turns pages', async () => {
    const first = (await get('/api/v1/alerts?limit=1')).json();
    expect(first.items).toHaveLength(1);
    const second = (await get(`/api/v1/alerts?limit=1&cursor=${encodeURIComponent(first.next)}`)).json();
    expect(second.items.map(({ uid }: { uid: string }) => uid)).toEqual([OTHER]);
    expect(second.next).toBeUndefined();
  });

  it('shows one with its explanation, evidence, samples and SQL', async () => {
    fixture.samples = [{ time: '2026-11-21 14:20:00.000', src: '203.0.113.9', raw: '{"id.orig_h":"203.0.113.9"}' }];
    const reply = await get(`/api/v1/alerts/${'a1'.repeat(16)}`);
    expect(reply.headers.etag).toBe('"1"');
    const alert = alertSchema.strict().parse(reply.json());
    expect(alert.explanation.paragraphs.join('\n')).toContain('1,597');
    expect(alert.evidence[0]).toMatchObject({ observed: 1597, expected: 3 });
    expect(alert.sample_events).toEqual(fixture.samples);
    expect(alert.sql).toContain('vedette.events');
  });

  it('shows one while the store is down, and says so', async () => {
    fixture.failure = new VedetteError('OLAP_UNAVAILABLE', 'ClickHouse does not answer');
    const reply = await get(`/api/v1/alerts/${OTHER}`);
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toMatchObject({ sample_events: [], samples_missing: 'ClickHouse does not answer' });
  });

  it('gives OCSF Detection Findings', async () => {
    fixture.samples = [{ time: '2026-11-21 14:20:00.000', raw: 'line' }];
    const finding = (await get(`/api/v1/alerts/${OTHER}?format=ocsf`)).json();
    expect(finding).toMatchObject({ class_uid: 2004, activity_id: 3, finding_info: { uid: OTHER } });
    expect(JSON.stringify(finding)).toContain(String(Date.UTC(2026, 10, 21, 14, 20)));
    const { items } = (await get('/api/v1/alerts?format=ocsf')).json();
    expect(items.map(({ class_uid }: { class_uid: number }) => class_uid)).toEqual([2004, 2004]);
  });

  it('is taken up, commented, assigned and closed', async () => {
    const at = `/api/v1/alerts/${OTHER}`;
    expect((await post(`${at}/ack`, { comment: 'looking' })).json()).toMatchObject({
      status: 'in_progress',
      version: 2,
    });
    expect((await post(`${at}/comment`, { comment: 'a backup' })).json()).toMatchObject({ version: 3 });
    expect((await post(`${at}/assign`, { assignee: 'kim' })).json()).toMatchObject({ assignee: 'kim' });
    expect((await post(`${at}/assign`, { assignee: null })).json()).not.toHaveProperty('assignee');
    const closed = await post(`${at}/close`, { verdict: 'benign' }, { 'if-match': '"5"' });
    expect(closed.json()).toMatchObject({ status: 'closed', verdict: 'benign', version: 6 });
    expect(closed.headers.etag).toBe('"6"');
    expect((await get(at)).json().comments).toEqual([
      { at: '2026-11-21T14:30:00.000Z', by: 'operator', text: 'looking' },
      { at: '2026-11-21T14:30:00.000Z', by: 'operator', text: 'a backup' },
    ]);
  });

  it('is acknowledged without a body', async () => {
    const reply = await fixture.server.inject({ method: 'POST', url: `/api/v1/alerts/${OTHER}/ack` });
    expect(reply.statusCode).toBe(200);
  });

  it('is not changed by who has not seen its last change', async () => {
    await post(`/api/v1/alerts/${OTHER}/ack`, {});
    const reply = await post(`/api/v1/alerts/${OTHER}/close`, { verdict: 'benign' }, { 'if-match': '"1"' });
    expect(reply.statusCode).toBe(412);
    expect(reply.json()).toMatchObject({ status: 412, code: 'CONFLICT' });
    expect((await get(`/api/v1/alerts/${OTHER}`)).json()).toMatchObject({ status: 'in_progress' });
  });
});

describe('sql', () => {
  it('runs a statement with its parameters as text', async () => {
    const reply = await post('/api/v1/sql', { query: 'SELECT {n:UInt8}', parameters: { n: 7, b: true }, max_rows: 5 });
    expect(reply.statusCode).toBe(200);
    expect(reply.headers).toMatchObject({ 'x-vedette-rows': '0', 'x-vedette-elapsed-ms': '3' });
    expect(fixture.statements).toEqual([
      { statement: 'SELECT {n:UInt8}', parameters: { n: '7', b: 'true' }, options: { format: 'json', maxRows: 5, timeoutMs: 30_000 } },
    ]); // prettier-ignore
  });

  it.each(['/api/v1/sql', '/api/v1/queries/top-talkers'])('refuses %s beyond this machine', async (url) => {
    const reply = await fixture.server.inject({
      method: 'POST',
      url,
      payload: { query: 'SELECT 1' },
      remoteAddress: '192.0.2.8',
    });
    expect(reply.statusCode).toBe(url.endsWith('sql') ? 403 : 400);
    const named = await fixture.server.inject({ method: 'POST', url, payload: {}, remoteAddress: '192.0.2.8' });
    expect(named.statusCode).toBe(url.endsWith('sql') ? 400 : 403);
    expect(fixture.statements).toEqual([]);
  });

  it("says ClickHouse's words when it refuses", async () => {
    fixture.failure = new VedetteError('OLAP_REFUSED', 'Unknown table expression identifier vedette.nothing');
    const reply = await post('/api/v1/sql', { query: 'SELECT * FROM vedette.nothing' });
    expect(reply.statusCode).toBe(400);
    expect(reply.json().detail).toContain('vedette.nothing');
  });

  it('lists the ready queries and runs one with checked parameters', async () => {
    const { items } = (await get('/api/v1/queries')).json();
    const talkers = items.find(({ name }: { name: string }) => name === 'top-talkers');
    expect(Object.keys(talkers.parameters.properties)).toEqual(['from', 'to', 'limit']);
    const parameters = { from: '2026-11-20', to: '2026-11-21T00:00:00Z' };
    expect((await post('/api/v1/queries/top-talkers', { parameters })).statusCode).toBe(200);
    expect(fixture.statements[0]?.parameters).toEqual({
      from: String(Date.UTC(2026, 10, 20)), to: String(Date.UTC(2026, 10, 21)), limit: '100',
    }); // prettier-ignore
    const wrong = await post('/api/v1/queries/top-talkers', { parameters: { ...parameters, from: 'yesterday' } });
    expect(wrong.statusCode).toBe(400);
    expect(wrong.json().errors[0]).toMatchObject({ path: 'from' });
    expect((await post('/api/v1/queries/nothing', {})).statusCode).toBe(404);
  });
});

describe('dead letters', () => {
  it('are listed, shown and replayed', async () => {
    await fixture.putLetter({ bytes: Uint8Array.of(0x7b, 0xff, 0x00), sizeBytes: 900_000 });
    await fixture.putLetter({ reason: 'bad_time' });
    const page = (await get('/api/v1/dead-letters')).json();
    expect(page.counts).toEqual({ not_json: 1, bad_time: 1 });
    expect(page.items.map(({ reason }: { reason: string }) => reason)).toEqual(['bad_time', 'not_json']);
    expect((await get('/api/v1/dead-letters?reason=bad_time')).json().items).toHaveLength(1);
    const letter = (await get(`/api/v1/dead-letters/${page.items[1].id}`)).json();
    expect(letter).toMatchObject({ bytes_base64: 'e/8A', is_cut: true, text: '{\ufffd\u0000', size_bytes: 900_000 });
    expect((await get('/api/v1/dead-letters/999')).statusCode).toBe(404);
    const replayed = await post('/api/v1/dead-letters/replay', { reason: 'bad_time', ids: [1, 2] });
    expect(replayed.json()).toEqual({ replayed: 2, events: 1, dead_letters: 1 });
    expect(fixture.replays).toEqual([{ reason: 'bad_time', pending: true, ids: [1, 2] }]);
  });
});

describe('operation', () => {
  it('tells its status as documented', async () => {
    fixture.status = statusOf({
      partitions: [
        { stage: 1, partition: 0, offset: 90, end: 100, closedUpToMs: NOW_MS, checkpoint: { atMs: NOW_MS - 5000, offset: 80, sizeBytes: 10 } },
        { stage: 2, partition: 0, offset: 9, end: 9, closedUpToMs: NOW_MS - 10_000, checkpoint: { atMs: NOW_MS - 9000, offset: 8, sizeBytes: 10 } },
      ],
      arrivals: [{ minuteMs: NOW_MS, events: 5 }],
    }); // prettier-ignore
    const status = statusSchema.strict().parse((await get('/api/v1/status')).json());
    expect(status).toMatchObject({
      watermark: '2026-11-21T14:29:50.000Z',
      last_checkpoint: '2026-11-21T14:29:51.000Z',
    });
    expect(status.partitions[0]).toMatchObject({ lag: 10 });
  });

  it('serves metrics, health and readiness', async () => {
    expect((await get('/metrics')).body).toBe('vedette_up 1\n');
    expect((await get('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await get('/readyz')).statusCode).toBe(200);
    fixture.notReady = ['ClickHouse is starting'];
    const reply = await get('/readyz');
    expect(reply.statusCode).toBe(503);
    expect(reply.json().detail).toContain('ClickHouse is starting');
  });
});
