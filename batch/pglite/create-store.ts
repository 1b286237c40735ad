import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VedetteError } from '../../model/errors.ts';

/** Run by a Node of its own: making the files takes 700 MB for some seconds, which this process would keep. */
const CREATE = `
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
  const making = `${dir}.new`;
  await rm(making, { recursive: true, force: true });
  await mkdir(dirname(dir), { recursive: true, mode: 0o700 });
  const library = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const child = spawn(process.execPath, ['--eval', CREATE, '--', library, making], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  });
  let words = '';
  child.stderr.on('data', (data: Buffer) => (words += data.toString()));
  const ended = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `${words.trim()} (ended with ${signal ?? code})`));
  });
  if (ended !== '') throw new VedetteError('QUEUE_UNAVAILABLE', `the job store cannot be made in ${dir}: ${ended}`);
  await chmod(making, 0o700);
  // Left by whoever was killed between making a folder and moving it; it holds no database.
  await rm(dir, { recursive: true, force: true });
  await rename(making, dir);
}
