import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, type ProcessMark, readMark, recordMark, signalProcess } from './process-mark.ts';

const PREFIX = 'vedette-services-';
/** A folder that young may be one whose owner is about to sign it. */
const UNSIGNED_AGE_MS = 60_000;

/** A new folder for the servers of this process, which the next process clears away should this one be killed. */
export function makeTemporaryData(): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  recordMark(folder, process.pid);
  return folder;
}

/** Kills the servers of processes that ended without stopping them, and removes their folders. Returns which. */
export function sweepTemporaryData(): string[] {
  const swept: string[] = [];
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const status = statSync(folder, { throwIfNoEntry: false });
    if (status === undefined || status.uid !== process.getuid?.()) continue;
    const owner = readMark(folder);
    if (owner === undefined ? Date.now() - status.mtimeMs < UNSIGNED_AGE_MS : isRunning(owner)) continue;
    killServersOn(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    swept.push(folder);
  }
  return swept;
}

/** Servers that were started on the folder and still run. */
export function serversOn(folder: string): { readonly name: string; readonly mark: ProcessMark }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const mark = entry.isDirectory() ? readMark(join(folder, entry.name)) : undefined;
    return mark !== undefined && isRunning(mark) ? [{ name: entry.name, mark }] : [];
  });
}

/** Sends SIGKILL to every server that was started on the folder and still runs. */
export function killServersOn(folder: string): void {
  for (const { mark } of serversOn(folder)) signalProcess(mark, 'SIGKILL');
}
