import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allAlerts, analyze } from '../../cli/analyze-run.ts';
import { Embedded } from '../../cli/embedded.ts';
import { topics } from '../../cli/topics.ts';
import { parseConfig } from '../../config/load.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { generateSample } from '../../sample/generate-sample.ts';
import { EVENTS_TOPIC } from '../../stream/stage-workers.ts';
import { digestOf } from '../../stream/snapshot.ts';

/**
 * The sample day as logs, with everything that may happen to them on their way: nothing double, nothing lost. What a
 * whole run gives is what every other must give.
 */
const CONFIG = parseConfig({ stream: { checkpointMs: 100, blockRows: 512 } });
const TABLES = [
  'events',
  'net_1m',
  'net_1h',
  'device_1m',
  'host_features_1m',
  'target_features_pane',
  'reading_features_1m',
];

interface Result {
  readonly alerts: unknown;
  readonly rows: Record<string, unknown>;
  readonly digest: unknown;
}

async function resultOf(instance: Embedded): Promise<Result> {
  const rows: Record<string, unknown> = {};
  for (const table of TABLES) {
    const keys = table === 'events' ? '_src, _pos' : '*';
    const [row] = await instance.olap.query(
      table === 'events'
        ? `SELECT count() AS n, uniqExact(${keys}) AS places, toString(sum(cityHash64(_pos, time, raw, late))) AS sum FROM vedette.events`
        : `SELECT count() AS n FROM vedette.${table}`,
    );
    rows[table] = row;
  }
  const [totals] = await instance.olap.query('SELECT sum(flows) AS flows, sum(bytes_out) AS bytes FROM vedette.net_1m');
  return {
    alerts: (await allAlerts(instance)).map(({ episode: { uid, family, entity, severity, findingCount, sinceMs } }) => ({
      uid, family, entity, severity, findingCount, sinceMs,
    })), // prettier-ignore
    rows: { ...rows, totals },
    digest: digestOf([...instance.stage1, ...instance.stage2].map(({ worker }) => worker.state)),
  };
}

const onNotice = (level: string, message: string): void => {
  notices.push(`${level}: ${message}`);
};
const notices: string[] = [];
let root: string;
let logs: string;
let whole: Result;
let wholeDir: string;

async function run(dataDir: string, paths: readonly string[] = [logs]): Promise<Result> {
  return analyze({ paths, dataDir, config: CONFIG, onNotice }, resultOf);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'vedette-duplicates-'));
  logs = join(root, 'logs');
  mkdirSync(logs);
  for (const { name, lines } of generateSample({ seed: 3, endMs: Date.UTC(2026, 10, 21, 10) }).sources)
    for (const chunk of lines) appendFileSync(join(logs, name.replaceAll('/', '-')), chunk);
  wholeDir = join(root, 'whole');
  whole = await run(wholeDir);
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Another data folder whose event log holds what the whole run's does, with some blocks more than once. */
async function copyLog(dataDir: string, again: (block: number) => number): Promise<void> {
  const spec = { maxBytes: CONFIG.log.maxBytes, segmentBytes: CONFIG.log.segmentBytes, fsync: 'never' as const };
  const from = await openSegmentLog({ ...spec, dir: join(wholeDir, 'log'), topics: topics(CONFIG) });
  const to = await openSegmentLog({ ...spec, dir: join(dataDir, 'log'), topics: topics(CONFIG) });
  const { end } = from.bounds(EVENTS_TOPIC, 0);
  for (let offset = 0; offset < end;) {
    for (const entry of await from.read(EVENTS_TOPIC, 0, offset, { maxBytes: 1 << 20 })) {
      for (let i = 0; i < 1 + again(entry.offset); i++) await to.append(EVENTS_TOPIC, 0, [entry.data]);
      offset = entry.offset + 1;
    }
  }
  await from.close();
  await to.close();
}

async function drained(dataDir: string): Promise<{ result: Result; duplicates: number }> {
  const instance = await Embedded.start({ dataDir, config: CONFIG, fsync: 'never', onNotice });
  try {
    await instance.drain();
    const result = await resultOf(instance);
    return {
      result,
      duplicates: instance.stage1.reduce((sum, { worker }) => sum + worker.state.counters.duplicates, 0),
    };
  } finally {
    await instance.stop();
  }
}

describe('the event log', () => {
  it('may hold every tenth block twice', async () => {
    const dataDir = join(root, 'tenth');
    mkdirSync(dataDir);
    await copyLog(dataDir, (block) => (block % 10 === 0 ? 1 : 0));
    const { result, duplicates } = await drained(dataDir);
    expect(duplicates).toBeGreaterThan(1000);
    expect(result).toEqual(whole);
  });

  it('may hold every block three times', async () => {
    const dataDir = join(root, 'thrice');
    mkdirSync(dataDir);
    await copyLog(dataDir, () => 2);
    expect((await drained(dataDir)).result).toEqual(whole);
  });
});

describe('a whole log', () => {
  it('may be read twice', async () => {
    const dataDir = join(root, 'twice');
    await run(dataDir);
    expect(await run(dataDir)).toEqual(whole);
  });
});

describe('the newest checkpoint', () => {
  async function damage(dataDir: string, how: (path: string) => Promise<void> | void): Promise<void> {
    const dir = join(dataDir, 'checkpoints');
    const names = readdirSync(dir).filter((name) => name.endsWith('.ckpt'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) await how(join(dir, name));
  }

  it.each([
    ['cut off', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ['empty', (path: string) => truncateSync(path, 0)],
    [
      'changed in one byte',
      async (path: string): Promise<void> => {
        const file = await open(path, 'r+');
        const at = Math.floor(statSync(path).size / 2);
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, at);
        byte[0]! ^= 0xff;
        await file.write(byte, 0, 1, at);
        await file.close();
      },
    ],
  ])('may be %s: the one before is taken', async (_name, how) => {
    const dataDir = join(root, `checkpoint-${_name.replaceAll(' ', '-')}`);
    await run(dataDir);
    await damage(dataDir, how);
    notices.length = 0;
    expect((await drained(dataDir)).result).toEqual(whole);
    expect(notices.join('\n')).toContain('is damaged and is passed over');
  });

  it('may be damaged together with the one before: the error says what to do', async () => {
    const dataDir = join(root, 'checkpoint-both');
    await run(dataDir);
    for (const name of readdirSync(join(dataDir, 'checkpoints'))) truncateSync(join(dataDir, 'checkpoints', name), 5);
    await expect(drained(dataDir)).rejects.toThrow(/move the files away/);
  });
});

describe('the end of the event log', () => {
  it('may be torn: it is cut off, and what was lost with it is read again', async () => {
    const dataDir = join(root, 'torn');
    await run(dataDir);
    const dir = join(dataDir, 'log');
    const segments = (readdirSync(dir, { recursive: true }) as string[]).filter((name) => name.includes('events') && name.endsWith('.log'));
    expect(segments.length).toBeGreaterThan(0);
    for (const name of segments) {
      rmSync(join(dir, name.replace(/\.log$/, '.index')), { force: true });
      appendFileSync(join(dir, name), Buffer.alloc(1000, 7));
    }
    expect(await run(dataDir)).toEqual(whole);
  });
}); // prettier-ignore
