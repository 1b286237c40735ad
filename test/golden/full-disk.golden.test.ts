import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_SECONDS, goodLine } from '../e2e/hostile-records.ts';
import { post, Program, sql, waitFor } from '../e2e/program.ts';

/** The event log on a small file system of its own, which only root can make: skipped, in words, elsewhere. */
const root = mkdtempSync(join(tmpdir(), 'vedette-full-'));
const log = join(root, 'data', 'log');
mkdirSync(log, { recursive: true });
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', log]).status === 0;
if (!isMounted) console.warn('full disk skipped: this user may not mount a tmpfs');

let program: Program;
let url: string;

async function start(): Promise<void> {
  program = new Program(['--data', join(root, 'data'), 'run', '--port', '0']);
  url = await program.url();
}

describe.skipIf(!isMounted)('a full disk', () => {
  const ballast = join(log, 'ballast');
  const filling = `"x":"${'a'.repeat(20_000)}"`;
  const bodyOf = (request: number): string =>
    Array.from({ length: 50 }, (_, i) =>
      goodLine(`full-${request}-${i}`, BASE_SECONDS + request + i / 100)
        .toString()
        .replace('"_path"', `${filling},"_path"`),
    ).join('\n');
  const send = (request: number): ReturnType<typeof post> =>
    post(url, bodyOf(request), { 'idempotency-key': `request ${request}` });

  beforeAll(async () => {
    writeFileSync(ballast, Buffer.alloc(17 << 20));
    await start();
  });

  afterAll(async () => {
    await program.kill('SIGTERM');
    spawnSync('umount', [log]);
    rmSync(root, { recursive: true, force: true });
  });

  const answered: number[] = [];
  let refused = -1;

  it('is answered in words, and the program goes on', async () => {
    for (let request = 0; request < 40 && refused < 0; request++) {
      const reply = await send(request);
      if (reply.status === 200) answered.push(request);
      else {
        expect(reply).toMatchObject({ status: 503, json: { code: 'LOG_FULL' } });
        expect(reply.type).toContain('application/problem+json');
        refused = request;
      }
    }
    expect(refused).toBeGreaterThan(0);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(program.process.exitCode).toBeNull();
  });

  it('takes records again when there is room, each once', async () => {
    rmSync(ballast);
    const reply = await waitFor(async () => {
      const again = await send(refused);
      return again.status === 200 && again;
    }, 'room');
    expect(reply.json['events']).toBe(50);
    await send(refused + 1);
    const expected = 50 * (answered.length + 2);
    const counts = async (): Promise<{ rows: number; places: number }> => {
      const [row] = await sql<{ rows: string; places: string }>(
        url,
        "SELECT count() AS rows, uniqExact(session_uid) AS places FROM vedette.events WHERE session_uid LIKE 'full-%'",
      );
      return { rows: Number(row!.rows), places: Number(row!.places) };
    };
    await waitFor(async () => (await counts()).places >= expected, 'the rows');
    expect(await counts()).toEqual({ rows: expected, places: expected });
  });

  it('does not keep the program from ending, with words', async () => {
    // As much as goes in.
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096']);
    let request = 1000;
    await waitFor(async () => (await send(request++)).status === 503, 'the end of the room');
    const { code, errors } = await program.kill('SIGTERM');
    expect(errors).toContain('No room on disk');
    expect(code).not.toBeNull();
    expect(errors.length).toBeLessThan(20_000);
  });

  it('that is still full at the next start does not keep it from starting, and taking records once there is room', async () => {
    await start();
    expect((await send(2000)).status).toBe(503);
    rmSync(ballast);
    await waitFor(async () => (await send(2000)).status === 200, 'room');
  });
});
