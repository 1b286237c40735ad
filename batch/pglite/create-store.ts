import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { VedetteError } from '../../model/errors.ts';

/**
 * Run by a Node of its own: making the files takes 700 MB for some seconds, which this process would keep. It ends with
 * its parent, whose pipe closes then: whoever comes next makes a folder of his own.
 */
const CREATE = `
process.stdin.on('end', () => process.exit(1)).resume();
const { PGlite } = require(process.argv[1]);
PGlite.create(process.argv[2]).then((db) => db.close()).then(() => process.exit(0), (error) => {
  console.error(error.message);
  process.exit(1);
});`;

/**
 * Makes the database's files where there are none. They are made beside their place and moved there when whole: a
 * process killed in the midst leaves nothing that would be taken for a database.
 */
export async function createStore(dir: string): Promise<void> {
  if (existsSync(join(dir, 'PG_VERSION'))) return;
  const parent = dirname(dir);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const beginning = `${basename(dir)}.new-`;
  for (const name of await readdir(parent))
    if (name.startsWith(beginning)) await rm(join(parent, name), { recursive: true, force: true });
  const making = join(parent, `${beginning}${randomUUID()}`);
  const words = await create(making);
  if (words !== '') throw new VedetteError('QUEUE_UNAVAILABLE', `the job store cannot be made in ${dir}: ${words}`);
  await chmod(making, 0o700);
  // Left by whoever was killed between making a folder and moving it; it holds no database.
  await rm(dir, { recursive: true, force: true });
  await rename(making, dir);
}

/** Resolves with what went wrong; '' where nothing did. */
async function create(dir: string): Promise<string> {
  const library = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const child = spawn(process.execPath, ['--eval', CREATE, '--', library, dir], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let words = '';
  child.stderr.on('data', (data: Buffer) => (words += data.toString()));
  return new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `${words.trim()} (ended with ${signal ?? code})`));
  });
}
