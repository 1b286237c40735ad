import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serverVariable } from '../services/server-variable.ts';
import { ClusterSite } from './cluster-site.ts';
import { GOLDEN_PATHS, goldenConfig } from './golden-input.ts';
import type { GoldenResult } from './results.ts';

/**
 * The golden run on a cluster: the same real logs give the same alerts, rows, statistics and state as the embedded form,
 * with one worker, with three, while workers come and go, and when workers are killed.
 */
const DATA = process.env['VEDETTE_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const EXPECTED = fileURLToPath(new URL('expected-alerts.json', import.meta.url));
const hasData = existsSync(join(DATA, 'README.md'));
if (!hasData) console.warn(`golden run on a cluster skipped: there is no data in ${DATA}`);
const servers = ['VEDETTE_KAFKA', 'VEDETTE_CASSANDRA', 'VEDETTE_CLICKHOUSE'].map((name) => serverVariable(name));
const hasServers = servers.every((value) => value !== undefined);

const PATHS = GOLDEN_PATHS.map((path) => join(DATA, path));
const PARTITIONS = 4;
const SETTLE_MS = 240_000;
/** Checkpoints go over the network here: twice a second still gives a kill something to fall between. */
const CONFIG = { ...goldenConfig(PARTITIONS), stream: { checkpointMs: 500, blockRows: 512 } };

describe.skipIf(!hasData || !hasServers)('golden run on a cluster', { timeout: 600_000 }, () => {
  let embedded: GoldenResult;
  let site: ClusterSite | undefined;

  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'vedette-golden-'));
    embedded = await runEmbedded(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  }, 240_000);

  afterEach(async () => {
    await site?.close();
    site = undefined;
  });

  function expectSame(result: GoldenResult): void {
    expect(result.alerts).toEqual(JSON.parse(readFileSync(EXPECTED, 'utf8')));
    expect(result.alerts).toEqual(embedded.alerts);
    expect(result.rows).toEqual(embedded.rows);
    expect(result.digest).toEqual(embedded.digest);
  }

  async function open(): Promise<ClusterSite> {
    site = await ClusterSite.open(CONFIG);
    return site;
  }

  async function finish(on: ClusterSite): Promise<GoldenResult> {
    await on.settled(SETTLE_MS);
    await on.stopAll();
    return on.result();
  }

  it('is the same with one worker', async () => {
    const on = await open();
    await on.feed(PATHS);
    await on.start(['stream', 'sink']).ready;
    expectSame(await finish(on));
  });

  it('is the same with three workers', async () => {
    const on = await open();
    await on.feed(PATHS);
    await Promise.all([1, 2, 3].map(() => on.start(['stream', 'sink']).ready));
    expectSame(await finish(on));
  });

  it('is the same while workers come and go', async () => {
    const on = await open();
    const first = on.start(['stream', 'sink']);
    await first.ready;
    const fed = on.feed(PATHS, { pauseMs: 15 });
    const others = [1, 2].map(() => on.start(['stream', 'sink']));
    await Promise.all(others.map(({ ready }) => ready));
    await sleep(5000);
    await on.stop(first);
    await on.stop(others[0]!, 'SIGKILL');
    await fed;
    expectSame(await finish(on));
  });

  it.each([
    ['block_read', 3],
    ['findings_written', 2],
    ['offset_committed', 2],
    ['intent_written', 2],
    ['rows_sent', 2],
    ['rows_acked', 2],
  ])('is the same when a worker is killed at %s and another goes on', async (point, times) => {
    const on = await open();
    await on.feed(PATHS);
    const killed = on.start(['stream', 'sink'], { point, times });
    expect(await killed.ended, killed.notices).toBe('SIGKILL');
    await on.start(['stream', 'sink']).ready;
    expectSame(await finish(on));
  });
});

async function runEmbedded(dataDir: string): Promise<GoldenResult> {
  const program = fileURLToPath(new URL('instance.ts', import.meta.url));
  const job = JSON.stringify({ paths: PATHS, dataDir, config: { ...CONFIG, log: { partitions: 1 } } });
  const child = spawn(process.execPath, ['--import', 'tsx', program, job], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`the embedded run ended with ${String(code)}`);
  return JSON.parse(out) as GoldenResult;
}
