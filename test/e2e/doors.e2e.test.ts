import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_SECONDS, goodLine } from './hostile-records.ts';
import { post, Program, sql, waitFor } from './program.ts';

/** One instance on one data folder, killed and started again between the parts: each record counts once. */

const SECRET = 'a secret of the tests';
let folder: string;
let data: string;
let config: string;
let logs: string;
let program: Program;
let url: string;

interface Delivery {
  readonly id: string;
  readonly signature: string;
  readonly body: string;
}
const deliveries: Delivery[] = [];
let refusals = 2;
const receiver = createServer((request, response) => {
  void read(request).then((body) => {
    deliveries.push({
      id: String(request.headers['x-vedette-delivery']),
      signature: String(request.headers['x-vedette-signature']),
      body,
    });
    response.statusCode = refusals-- > 0 ? 503 : 200;
    response.end();
  });
});

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

function writeConfig(sources: object): void {
  const hook = `http://127.0.0.1:${String((receiver.address() as AddressInfo).port)}/hook`;
  writeFileSync(
    config,
    JSON.stringify({
      stream: { checkpointMs: 500 },
      sources: { idleMs: 2000, ...sources },
      alerts: { webhooks: [{ url: hook, secret: SECRET, firstRetryMs: 100 }] },
    }),
  );
}

async function start(): Promise<void> {
  program = new Program(['--data', data, '--config', config, 'run', '--port', '0', '--follow', logs]);
  url = await program.url();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-doors-'));
  data = join(folder, 'data');
  logs = join(folder, 'logs');
  mkdirSync(logs);
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  config = join(folder, 'vedette.yaml');
  writeConfig({});
  await start();
});

afterAll(async () => {
  await program.kill('SIGTERM');
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Stored {
  readonly rows: number;
  readonly places: number;
  readonly uids: number;
}

async function stored(pattern: string): Promise<Stored> {
  const [row] = await sql<Record<keyof Stored, string | number>>(
    url,
    `SELECT count() AS rows, uniqExact(_src, _pos) AS places, uniqExact(session_uid) AS uids
     FROM vedette.events WHERE session_uid LIKE '${pattern}'`,
  );
  return { rows: Number(row!.rows), places: Number(row!.places), uids: Number(row!.uids) };
}

/** Waits for so many, and then a moment longer for what should not come. */
async function expectOnce(pattern: string, count: number): Promise<void> {
  await waitFor(async () => (await stored(pattern)).uids >= count, `${String(count)} of ${pattern}`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await stored(pattern)).toEqual({ rows: count, places: count, uids: count });
}

let written = 0;
function lines(prefix: string, count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      Buffer.concat([goodLine(`${prefix}-${String(i)}`, BASE_SECONDS + written++ / 100), Buffer.from('\n')]),
    ),
  );
}

async function killAndStart(): Promise<void> {
  await program.kill('SIGKILL');
  await start();
}

describe('HTTP', () => {
  it('counts a request without a key as often as it is sent, and one with a key once', async () => {
    const body = lines('twice', 3);
    await post(url, body);
    await post(url, body);
    await waitFor(async () => (await stored('twice-%')).rows >= 6, 'six rows');
    expect(await stored('twice-%')).toEqual({ rows: 6, places: 6, uids: 3 });

    const keyed = lines('keyed', 3);
    const first = await post(url, keyed, { 'idempotency-key': 'one' });
    const again = await Promise.all([1, 2, 3].map(() => post(url, keyed, { 'idempotency-key': 'one' })));
    expect(first.json).toMatchObject({ events: 3, replayed: false });
    for (const { json } of again) expect(json).toMatchObject({ events: 3, replayed: true });
    await expectOnce('keyed-%', 3);
  });

  it('loses nothing that it has answered, and knows its keys, after kill -9', async () => {
    const body = lines('killed', 50);
    await post(url, lines('before', 20));
    await post(url, body, { 'idempotency-key': 'two' });
    await killAndStart();
    expect((await post(url, body, { 'idempotency-key': 'two' })).json).toMatchObject({ events: 50, replayed: true });
    await expectOnce('killed-%', 50);
    await expectOnce('before-%', 20);
  });

  it('goes on while ClickHouse is killed, and each row arrives once', async () => {
    const sending = (async () => {
      for (let i = 0; i < 20; i++) {
        expect((await post(url, lines(`olap${String(i)}`, 10))).status).toBe(200);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const child = childOf(program.process.pid!);
    process.kill(child, 'SIGKILL');
    await sending;
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, 'ClickHouse');
    await expectOnce('olap%', 200);
  }); // prettier-ignore
});

/** ClickHouse's process: the child of the instance that runs chDB. */
function childOf(parent: number): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let stat: string;
    let command: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
    } catch {
      continue;
    }
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent && command.includes('chdb'))
      return Number(name);
  }
  throw new Error('there is no ClickHouse child');
}

describe('dead letters', () => {
  interface Replayed {
    readonly replayed: number;
    readonly events: number;
    readonly dead_letters: number;
  }
  const replay = async (filter: object): Promise<Replayed> => {
    const response = await fetch(`${url}/api/v1/dead-letters/replay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(filter),
    });
    return (await response.json()) as Replayed;
  };
  const letters = async (query: string): Promise<{ id: number; source: string }[]> =>
    ((await (await fetch(`${url}/api/v1/dead-letters?limit=500&${query}`)).json()) as { items: { id: number; source: string }[] })
      .items; // prettier-ignore
  const readings = async (): Promise<number> => {
    const [row] = await sql<{ n: string }>(url, "SELECT count() AS n FROM vedette.events WHERE device = 'boiler'");
    return Number(row!.n);
  };

  it('that still cannot be read stay as they are, however often they are replayed', async () => {
    const header =
      '#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n';
    await post(url, `${header}1795521600\tbroken\t10.0.0.999\t1\t198.51.100.7\t443\ttcp\n`);
    const before = await letters('pending=true');
    for (let i = 0; i < 3; i++)
      expect(await replay({ reason: 'bad_address' })).toMatchObject({ events: 0, dead_letters: 1 });
    expect(await letters('pending=true')).toEqual(before);
    expect(await stored('broken')).toMatchObject({ rows: 0 });
  });

  it('of a file are read once what was wrong is mended, and count once, however often they are replayed', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `2026-11-20T13:${String(Math.floor(i / 60)).padStart(2, '0')}:${String(i % 60).padStart(2, '0')}Z,${String(20 + (i % 7))},1`); // prettier-ignore
    writeFileSync(join(logs, 'boiler.csv'), `when,heat,level\n${rows.join('\n')}\n`);
    await waitFor(async () => {
      const { counts } = (await (await fetch(`${url}/api/v1/dead-letters`)).json()) as {
        counts: Record<string, number>;
      };
      return (counts['unknown_format'] ?? 0) >= 1201;
    }, 'the dead letters of a file that nothing can read');
    await program.kill('SIGTERM');
    writeConfig({ csv: [{ name: 'boiler', match: '**/boiler.csv', time: 'when', device: 'boiler' }] });
    await start();
    expect(await replay({ pending: true, reason: 'unknown_format' })).toEqual({
      replayed: 1201,
      events: 2400,
      dead_letters: 0,
    });
    await waitFor(async () => (await readings()) >= 2400, 'the readings');
    expect(await replay({ pending: true, reason: 'unknown_format' })).toMatchObject({ replayed: 0 });
    // As after a replay that was cut off: the same letters once more.
    const ids = (await letters('reason=unknown_format')).map(({ id }) => id);
    await replay({ ids });
    await replay({ pending: false, reason: 'unknown_format' });
    await post(url, lines('behind', 1));
    await expectOnce('behind-%', 1);
    expect(await readings()).toBe(2400);
  });
});

describe('alerts', () => {
  const flood = (fromSecond: number, seconds: number): string => {
    const records: string[] = [];
    for (let second = 0; second < seconds; second++)
      for (let i = 0; i < 700; i++)
        records.push(
          `{"_path":"conn","ts":${String(fromSecond + second + i / 1000)},"uid":"F","id.orig_h":"203.0.${String(i % 200)}.${String(second + 1)}","id.orig_p":${String(1000 + i)},"id.resp_h":"10.0.0.80","id.resp_p":80,"proto":"tcp","conn_state":"S0","orig_pkts":1,"resp_pkts":0,"orig_bytes":0,"resp_bytes":0}`,
        );
    return records.join('\n');
  };

  it('come although a source that held time is gone for good since kill -9', async () => {
    const gone = join(logs, 'gone.log');
    appendFileSync(gone, lines('gone', 5));
    await expectOnce('gone-%', 5);
    await program.kill('SIGKILL');
    rmSync(gone);
    await start();
  });

  it('are on the stream of events within seconds, are posted signed until taken, and survive a clean stop', async () => {
    const stream = await fetch(`${url}/api/v1/alerts/stream`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    let told = '';
    void (async () => {
      for await (const part of stream.body!) told += Buffer.from(part).toString();
    })().catch(() => undefined);
    const sentAt = performance.now();
    // Other sources held time when the instance was killed; those that do not come back must not hold it for ever.
    const at = BASE_SECONDS + 7200;
    await post(url, flood(at, 30));
    await post(url, goodLine('later', at + 600));
    await waitFor(() => told.includes('10.0.0.80'), 'the alert on the stream', 10_000);
    expect(performance.now() - sentAt).toBeLessThan(10_000);

    await waitFor(() => refusals < 0, 'a delivery that is taken');
    const [first, ...rest] = deliveries;
    expect(rest.length).toBeGreaterThanOrEqual(2);
    expect(rest[0]!.id).toBe(first!.id);
    for (const { signature, body } of deliveries) {
      const [, seconds, hex] = /^t=(\d+),v1=(\w+)$/.exec(signature)!;
      expect(createHmac('sha256', SECRET).update(`${seconds!}.${body}`).digest('hex')).toBe(hex);
    }
    expect(JSON.parse(first!.body)).toMatchObject({ class_uid: 2004, activity_id: 1 });
  });

  it('are changed by one of two people who saw the same version', async () => {
    const list = (await (await fetch(`${url}/api/v1/alerts`)).json()) as { items: { uid: string; entity: string }[] };
    const { uid } = list.items.find(({ entity }) => entity === '10.0.0.80')!;
    const seen = (await fetch(`${url}/api/v1/alerts/${uid}`)).headers.get('etag')!;
    const change = (action: string, body: object): Promise<Response> =>
      fetch(`${url}/api/v1/alerts/${uid}/${action}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'if-match': seen },
        body: JSON.stringify(body),
      });
    const replies = await Promise.all([
      change('ack', { comment: 'mine' }),
      change('close', { verdict: 'true_positive' }),
    ]);
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 412]);
    for (const reply of replies) if (!reply.ok) expect(reply.headers.get('content-type')).toContain('problem+json');
  });

  it('are the same after a clean stop and another start', async () => {
    const alerts = async (): Promise<unknown> => {
      const { items } = (await (await fetch(`${url}/api/v1/alerts`)).json()) as { items: Record<string, unknown>[] };
      return items.map(({ uid, status, entity, family }) => ({ uid, status, entity, family }));
    };
    const before = await alerts();
    const { code, signal, errors } = await program.kill('SIGTERM');
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(errors).not.toContain('ERROR');
    await start();
    expect(await alerts()).toEqual(before);
    // It goes on from where it was: the flood goes on, and it is the same alert.
    const at = BASE_SECONDS + 7200 + 620;
    await post(url, flood(at, 30));
    await post(url, goodLine('latest', at + 900));
    await waitFor(async () => {
      const status = (await (await fetch(`${url}/api/v1/status`)).json()) as { partitions: { stage: number; closed_up_to?: string }[] };
      return status.partitions.every(({ closed_up_to: closed }) => closed !== undefined && Date.parse(closed) / 1000 > at);
    }, 'time to move on after the restart', 20_000);
    const after = (await alerts()) as { entity: string }[];
    expect(after.filter(({ entity }) => entity === '10.0.0.80').length).toBeGreaterThanOrEqual(1);
  }); // prettier-ignore
});
