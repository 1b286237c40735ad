import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../../cli/roles.ts';
import { serveCluster, type ServingCluster } from '../../cli/serve-cluster.ts';
import type { Config } from '../../config/schema.ts';
import { writeSample } from '../../sample/generate-sample.ts';
import { connTsv, metersCsv } from '../e2e/header-logs.ts';
import { Program, sql, waitFor } from '../e2e/program.ts';
import { siteConfig } from '../golden/cluster-site.ts';
import { serverVariable } from '../services/server-variable.ts';

const VARIABLES = [
  ...['VEDETTE_KAFKA', 'VEDETTE_PULSAR_ADMIN', 'VEDETTE_CASSANDRA', 'VEDETTE_CLICKHOUSE', 'VEDETTE_REDIS'],
];
const isThere = VARIABLES.map((name) => serverVariable(name) !== undefined).every(Boolean);
const HOUR_MS = 3_600_000;
const END_MS = Date.UTC(2026, 10, 20);
const START_MS = END_MS - 24 * HOUR_MS;
/** Behind the readings: a source that begins later in the log is late with what is older. */
const FLOWS_MS = END_MS + HOUR_MS;
const METERS_MS = FLOWS_MS + 24 * HOUR_MS;
const TO_MS = METERS_MS + 24 * HOUR_MS;
const [FLOWS, METERS] = [400, 300];
const WAIT_MS = 120_000;

/** Rows that are stored, and a digest of what they say. */
const ROWS = `SELECT count() AS rows, countIf(late) AS late, hex(groupBitXor(cityHash64(_src, _pos, log, time, src_ip,
  dst_ip, src_port, bytes_out, bytes_in, device, metric, value, raw))) AS digest FROM events`;

interface Rows {
  readonly rows: number;
  readonly late: number;
  readonly digest: string;
}

describe.skipIf(!isThere)('vedette replay on a cluster', { timeout: 300_000 }, () => {
  let root: string;
  let config: Config;
  let serving: ServingCluster;
  const notices: string[] = [];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'vedette-replay-'));
    const logs = join(root, 'logs');
    await mkdir(logs);
    config = siteConfig({
      http: { port: 0 },
      sources: { follow: [{ path: logs }], idleMs: 2000 },
      stream: { checkpointMs: 1000 },
      pulsar: {
        topics: [
          { name: 'zeek', partitions: 1 },
          { name: 'readings', partitions: 1 },
        ],
      },
    });
    serving = await serveCluster({
      config,
      roles: new Set(ROLES),
      dataDir: join(root, 'data'),
      onNotice: (level, message) => notices.push(`${level}: ${message}`),
    });
    const paths = await writeSample(join(root, 'sample'), 1, END_MS);
    const readings = await readFile(
      paths.find((path) => path.endsWith('readings.ndjson'))!,
      'utf8',
    );
    let rows = readings.split('\n').length - 1;
    // One after the other, in the order of their times.
    for (const [name, text, lines] of [
      ['readings.ndjson', readings, rows],
      ['conn.log', connTsv(FLOWS, FLOWS_MS), FLOWS],
      ['meters.csv', metersCsv(METERS, METERS_MS), METERS],
    ] as const) {
      await writeFile(join(root, name), text);
      await rename(join(root, name), join(logs, name));
      if (name !== 'readings.ndjson') rows += lines;
      await stored(rows);
    }
    // Until the last panes are closed: every source is idle.
    await waitFor(
      () => [...serving.cluster.pipeline!.sources.values()].every(({ state }) => state === 'idle'),
      'idle sources',
      WAIT_MS,
    );
  }, 300_000);

  afterAll(async () => {
    await serving.stop();
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  async function stored(rows: number): Promise<void> {
    const isStored = async (): Promise<boolean> => (await sql<Rows>(serving.url, ROWS))[0]?.rows === rows;
    await waitFor(isStored, `${rows} rows`, WAIT_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${notices.join('\n')}`);
    });
  }

  it('reads the stored lines again, headers and all, into results of their own', async () => {
    const [before] = await sql<Rows>(serving.url, ROWS);
    const alerts = await serving.backend.alerts.counts();
    expect(alerts.total).toBeGreaterThan(0);
    const times = ['--from', new Date(START_MS).toISOString(), '--to', new Date(TO_MS).toISOString()];
    const { code, out, errors } = await Program.run([
      ...['replay', ...times, '--name', 'again', '--url', serving.url, '-o', 'json'],
    ]);
    expect(code, errors).toBe(0);
    const result = JSON.parse(out) as { readonly dead_letters: object };
    expect(result.dead_letters).toEqual({});
    expect(result).toMatchObject({
      name: 'again',
      sources: 3,
      rows: before!.rows,
      lines: before!.rows,
      events: before!.rows,
      late: before!.late,
      duplicates: 0,
      alerts: { live: alerts.total, replayed: alerts.total, same: alerts.total, only_live: 0, only_replayed: 0 },
    });
    // Nothing of the live results has changed.
    expect(await sql<Rows>(serving.url, ROWS)).toEqual([before]);
    expect(await serving.backend.alerts.counts()).toEqual(alerts);

    const results = join(root, 'data', 'replays', 'again');
    expect(existsSync(results)).toBe(true);
    const replayed = await Program.run(['sql', '--data', results, '-o', 'json', ROWS]);
    expect(replayed.code, replayed.errors).toBe(0);
    expect((JSON.parse(replayed.out) as { data: unknown }).data).toEqual([before]);
  });
});
