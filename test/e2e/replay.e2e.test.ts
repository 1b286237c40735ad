import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSample } from '../../sample/generate-sample.ts';
import { connTsv, metersCsv } from './header-logs.ts';
import { type Ended, Program, sql } from './program.ts';

const END_MS = Date.UTC(2026, 10, 20);
const START_MS = END_MS - 86_400_000;
const iso = (ms: number): string => new Date(ms).toISOString();

let root: string;
let data: string;
let program: Program;
let url: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vedette-replay-'));
  data = join(root, 'data');
  const paths = await writeSample(join(root, 'sample'), 1, END_MS);
  const logs = join(root, 'logs');
  await mkdir(logs);
  await writeFile(join(logs, 'conn.log'), connTsv(400, START_MS));
  await writeFile(join(logs, 'meters.csv'), metersCsv(300, START_MS));
  const given = paths.filter((path) => path.endsWith('readings.ndjson'));
  await succeeded(Program.run(['analyze', '--data', data, ...given, logs]));
  program = new Program(['run', '--data', data, '--port', '0']);
  url = await program.url();
}, 240_000);

afterAll(async () => {
  await program.kill('SIGTERM');
  await rm(root, { recursive: true, force: true });
}, 60_000);

describe('vedette replay', { timeout: 240_000 }, () => {
  it('finds the same alerts in the stored lines again, beside the live ones, whatever formats they came in', async () => {
    const before = { alerts: await alerts(), rows: await sql<{ rows: number }>(url, ROWS) };
    expect(before.alerts.length).toBeGreaterThan(0);
    const times = ['--from', iso(START_MS), '--to', iso(END_MS)];
    const { out } = await succeeded(Program.run(['replay', ...times, '--name', 'again', '--data', data, '-o', 'json']));
    const count = before.alerts.length;
    const result = JSON.parse(out) as { readonly dead_letters: object };
    // toMatchObject takes any object for an empty one.
    expect(result.dead_letters).toEqual({});
    expect(result).toMatchObject({
      name: 'again',
      sources: 3,
      rows: before.rows[0]!.rows,
      events: before.rows[0]!.rows,
      duplicates: 0,
      alerts: { live: count, replayed: count, same: count, only_live: 0, only_replayed: 0 },
    });
    // Nothing of the live results has changed.
    expect(await alerts()).toEqual(before.alerts);
    expect(await sql(url, ROWS)).toEqual(before.rows);
    const response = await fetch(`${url}/api/v1/jobs`);
    expect(await response.json()).toMatchObject({
      items: [
        { kind: 'replay-raw', state: 'completed', requested_by: 'operator', starts: 1, progress: { fraction: 1 } },
      ],
    });

    const results = join(data, 'replays', 'again');
    const stored = await succeeded(Program.run(['sql', '--data', results, '-o', 'json', ROWS]));
    expect((JSON.parse(stored.out) as { data: unknown }).data).toEqual(before.rows);
  });

  it('says what is wrong with a time that holds nothing', async () => {
    const empty = await Program.run(['replay', '--from', '2020-01-01', '--to', '2020-01-02', '--data', data]);
    expect(empty.code).toBe(1);
    expect(empty.errors).toContain('nothing is stored between these times');
    const backwards = await Program.run(['replay', '--from', '1h', '--to', '2h', '--data', data]);
    expect(backwards.code).toBe(2);
    expect(backwards.errors).toContain('from is not before to');
  });
});

/** Rows that are stored, and a digest of what they say. */
const ROWS = `SELECT count() AS rows, hex(groupBitXor(cityHash64(_src, _pos, log, time, src_ip, dst_ip, src_port, bytes_out,
  bytes_in, device, metric, value, raw))) AS digest FROM events`;

async function succeeded(run: Promise<Ended>): Promise<Ended> {
  const ended = await run;
  if (ended.code !== 0) throw new Error(`it ended with ${ended.code}:\n${ended.errors}`);
  return ended;
}

async function alerts(): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/alerts?limit=500`);
  const { items } = (await response.json()) as { items: { uid: string }[] };
  return items.map(({ uid }) => uid).sort();
}
