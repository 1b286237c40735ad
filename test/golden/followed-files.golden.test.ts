import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_SECONDS, goodLine } from '../e2e/hostile-records.ts';
import { Program, sql, waitFor } from '../e2e/program.ts';

/** A folder followed by the program, which is killed and started again: each line counts once. */

let folder: string;
let data: string;
let logs: string;
let program: Program;
let url: string;

async function start(): Promise<void> {
  program = new Program(['--data', data, 'run', '--port', '0', '--follow', logs]);
  url = await program.url();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-files-'));
  data = join(folder, 'data');
  logs = join(folder, 'logs');
  mkdirSync(logs);
  await start();
});

afterAll(async () => {
  await program.kill('SIGTERM');
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

describe('followed files', () => {
  it('are read once each through rotation by rename, copytruncate and compression', async () => {
    const renamed = join(logs, 'renamed.log');
    appendFileSync(renamed, lines('ren1', 100));
    await expectOnce('ren1-%', 100);
    appendFileSync(renamed, lines('ren2', 50));
    renameSync(renamed, `${renamed}.1`);
    writeFileSync(renamed, lines('ren3', 50));
    await expectOnce('ren2-%', 50);
    await expectOnce('ren3-%', 50);

    const cut = join(logs, 'cut.log');
    appendFileSync(cut, lines('cut1', 100));
    await expectOnce('cut1-%', 100);
    copyFileSync(cut, `${cut}.1`);
    truncateSync(cut, 0);
    await new Promise((resolve) => setTimeout(resolve, 700));
    appendFileSync(cut, lines('cut2', 40));
    await expectOnce('cut2-%', 40);
    await expectOnce('cut1-%', 100);

    const packed = lines('gz', 60);
    writeFileSync(join(logs, 'old.log.gz'), gzipSync(packed));
    await expectOnce('gz-%', 60);
  });

  it('go on in mid-file after kill -9, with their header, whichever of them gives something in between', async () => {
    const header = '#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n';
    const tsv = (prefix: string, count: number): string =>
      Array.from({ length: count }, (_, i) => `${String(BASE_SECONDS + written++ / 100)}\t${prefix}-${String(i)}\t10.0.0.5\t1\t198.51.100.7\t443\ttcp\n`).join('');
    const first = join(logs, 'first.tsv');
    const second = join(logs, 'second.tsv');
    writeFileSync(first, header + tsv('t1', 100));
    writeFileSync(second, header + tsv('u1', 10));
    await expectOnce('t1-%', 100);
    await expectOnce('u1-%', 10);
    const torn = tsv('t2', 1000);
    appendFileSync(first, torn.slice(0, 50_001));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await program.kill('SIGKILL');
    appendFileSync(first, torn.slice(50_001));
    await start();
    await expectOnce('t2-%', 1000);
    await killAndStart();
    // The other file gives nothing in this run, nor does the next one forget what it had.
    appendFileSync(first, tsv('t3', 10));
    await expectOnce('t3-%', 10);
    await killAndStart();
    appendFileSync(second, tsv('u2', 10));
    await expectOnce('u2-%', 10);
  }); // prettier-ignore

  it('are read on behind a compressed one that breaks off before its first line', async () => {
    const set = join(logs, 'broken.log');
    writeFileSync(`${set}.2.gz`, gzipSync(Buffer.from('words')).subarray(0, 10));
    writeFileSync(`${set}.1`, lines('broken1', 5));
    writeFileSync(set, lines('broken2', 5));
    await expectOnce('broken1-%', 5);
    await expectOnce('broken2-%', 5);
    expect(program.errors).toContain('broken.log.2.gz is not followed');
  });
});
