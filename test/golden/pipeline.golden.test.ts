import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOLDEN_PATHS, goldenConfig } from './golden-input.ts';
import type { GoldenJob } from './instance.ts';
import type { GoldenResult } from './results.ts';

/**
 * The golden run: real logs, one file of expected alerts. Whole; killed at each named point and at random, then run
 * again on the same data; at other partition counts; a day later; with everything read twice. Same alerts, same rows
 * and statistics, same state. UPDATE_GOLDEN=1 writes the expected file anew: then read its difference.
 */
const DATA = process.env['VEDETTE_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const EXPECTED = fileURLToPath(new URL('expected-alerts.json', import.meta.url));
const hasData = existsSync(join(DATA, 'README.md'));
if (!hasData) console.warn(`golden run skipped: there is no data in ${DATA} (VEDETTE_DATA names another folder)`);

interface Outcome {
  readonly result: GoldenResult | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

function run(job: GoldenJob): Promise<Outcome> {
  const program = fileURLToPath(new URL('instance.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ result: code === 0 ? (JSON.parse(out) as GoldenResult) : undefined, signal, errors });
    });
  });
}

describe.skipIf(!hasData)('golden run', () => {
  const folders: string[] = [];
  let whole: GoldenResult;

  async function folder(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'vedette-golden-'));
    folders.push(dir);
    return dir;
  }

  async function job(options: Partial<GoldenJob> & { partitions?: number } = {}): Promise<GoldenJob> {
    const { partitions = 1, ...rest } = options;
    return {
      paths: GOLDEN_PATHS.map((path) => join(DATA, path)),
      dataDir: await folder(),
      config: goldenConfig(partitions),
      ...rest,
    };
  }

  async function finish(given: GoldenJob): Promise<GoldenResult> {
    const { result, errors } = await run(given);
    if (!result) throw new Error(`the run failed:\n${errors}`);
    return result;
  }

  function expectSame(result: GoldenResult): void {
    expect(result.alerts).toEqual(whole.alerts);
    expect(result.rows).toEqual(whole.rows);
    expect(result.digest).toEqual(whole.digest);
  }

  beforeAll(async () => {
    whole = await finish(await job());
    if (process.env['UPDATE_GOLDEN']) writeFileSync(EXPECTED, `${JSON.stringify(whole.alerts, null, 2)}\n`);
  });

  afterAll(async () => {
    for (const dir of folders) await rm(dir, { recursive: true, force: true });
  });

  it('gives the expected alerts', () => {
    expect(whole.alerts).toEqual(JSON.parse(readFileSync(EXPECTED, 'utf8')));
  });

  it('reads every record, and fewer than one in a thousand is late', () => {
    expect(whole.deadLetters).toBe(0);
    expect(whole.rows['events']!.rows).toBe(whole.events);
    expect(whole.late).toBeLessThan(whole.events / 1000);
  });

  it.each([4, 7])('is the same at %i partitions', async (partitions) => {
    expectSame(await finish(await job({ partitions })));
  });

  it('is the same a day later', async () => {
    expectSame(await finish(await job({ aheadMs: 86_400_000 })));
  });

  it('is the same when everything is read a second time into the same data', async () => {
    const given = await job();
    await finish(given);
    expectSame(await finish(given));
  });

  it.each([
    ['block_read', 3],
    ['intent_written', 2],
    ['rows_sent', 2],
    ['rows_acked', 2],
    ['findings_written', 2],
    ['checkpoint_half', 40],
    ['checkpoint_synced', 2],
    ['checkpoint_renamed', 2],
    ['offset_committed', 2],
  ])('is the same when killed at %s and resumed', async (point, times) => {
    const given = await job({ partitions: times % 2 === 0 ? 1 : 4 });
    const killed = await run({ ...given, kill: { point, times } });
    expect(killed.signal, `it ended otherwise:\n${killed.errors}`).toBe('SIGKILL');
    expectSame(await finish(given));
  });

  it.each([0.35, 0.5, 0.7])(
    'is the same when killed at a random moment (about %f of the run) twice over',
    async (part) => {
      const given = await job({ partitions: 4 });
      for (let i = 0; i < 2; i++) await run({ ...given, killAfterMs: 800 + Math.random() * 4000 * part });
      expectSame(await finish(given));
    },
  );
});
