import { readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { VedetteError } from '../../model/errors.ts';
import { errorCode } from './log-files.ts';

/**
 * Takes the folder for this process alone; the result gives it back. The lock names its process by number and start,
 * so that one left behind by a process that was killed does not count, even when its number is in use again.
 *
 * It is a symbolic link to nowhere whose target is the text: it appears with its content or not at all, and takes no
 * block on a full disk. Throws LOCKED while the other process lives.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'LOCK');
  const own = `${String(process.pid)}:${await startOf(process.pid)}`;
  while (!(await tryCreate(own, path))) await removeStale(path, folder);
  return () => rm(path, { force: true });
}

async function tryCreate(content: string, path: string): Promise<boolean> {
  try {
    await symlink(content, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function removeStale(path: string, folder: string): Promise<void> {
  const content = await unlessMissing(readlink(path));
  if (content === undefined) return;
  const [, pid = '', started = ''] = /^(\d+):(.*)$/.exec(content) ?? [];
  if (pid !== '' && (await isAlive({ pid: Number(pid), started }))) throw locked(folder, pid);
  const aside = `${path}.stale.${String(process.pid)}`;
  await unlessMissing(rename(path, aside));
  const moved = await unlessMissing(readlink(aside));
  // Between reading and renaming, another process may have found it stale too, and put its own in place.
  if (moved !== undefined && moved !== content) await tryCreate(moved, path);
  await rm(aside, { force: true });
}

async function isAlive({ pid, started }: { pid: number; started: string }): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  return (await startOf(pid)) === started;
}

/** Boot and clock tick at which a process started; '' on systems that have no /proc, where the number must do. */
async function startOf(pid: number): Promise<string> {
  const status = await unlessMissing(readFile(`/proc/${String(pid)}/stat`, 'utf8'));
  const boot = await unlessMissing(readFile('/proc/sys/kernel/random/boot_id', 'utf8'));
  if (status === undefined || boot === undefined) return '';
  // proc(5): the name, in parentheses, may hold anything; the start is the 20th field behind it.
  const ticks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
  return `${boot.trim()}:${String(ticks)}`;
}

function locked(folder: string, pid: string): VedetteError {
  return new VedetteError(
    'LOCKED',
    `${folder} is in use by process ${pid}. Stop that one first, or choose another data folder.`,
  );
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    // A process that ends while its entry is read gives ESRCH.
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}
