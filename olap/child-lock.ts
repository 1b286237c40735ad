import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { VedetteError } from '../model/errors.ts';

const ChildRecord = z.object({ pid: z.number().int(), parent: z.number().int(), started: z.string() });
type ChildRecord = z.infer<typeof ChildRecord>;

/** Remembers which process holds the data folder. */
export function recordChild(path: string, pid: number): void {
  const record: ChildRecord = { pid, parent: process.pid, started: startMark(pid) };
  writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
}

export function forgetChild(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Waits until a child that an earlier process left behind is gone. It ends by itself, since its standard input ended
 * with its parent; one that doesn't is ended after `patienceMs`.
 *
 * @throws VedetteError LOCKED where its parent is another process that still runs.
 */
export async function waitForOrphan(path: string, patienceMs: number): Promise<void> {
  const record = readRecord(path);
  if (record === undefined) return;
  const isOurs = (): boolean => isAlive(record.pid) && startMark(record.pid) === record.started;
  // A child whose parent died has another parent now; where there is no /proc, the recorded one is trusted.
  const parent = statField(record.pid, 1);
  const hasParent = parent === '' ? isAlive(record.parent) : Number(parent) === record.parent;
  if (isOurs() && hasParent) {
    throw new VedetteError('LOCKED', `the data folder is in use by process ${record.parent} (server ${record.pid})`);
  }
  for (const signal of [undefined, 'SIGTERM', 'SIGKILL'] as const) {
    if (!isOurs()) break;
    if (signal !== undefined) process.kill(record.pid, signal);
    const deadline = performance.now() + patienceMs;
    while (isOurs() && performance.now() < deadline) await sleep(25);
  }
  if (isOurs()) throw new VedetteError('LOCKED', `server ${record.pid} holds the data folder and does not end`);
  forgetChild(path);
}

function readRecord(path: string): ChildRecord | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  // A record cut short by a power failure names nobody; the machine has started again since.
  const parsed = text.endsWith('}') ? ChildRecord.safeParse(JSON.parse(text)) : undefined;
  return parsed?.success === true ? parsed.data : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return statField(pid, 0) !== 'Z';
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Start time of a process in ticks since boot, which tells a reused pid apart; '' where there is no /proc. */
function startMark(pid: number): string {
  return statField(pid, 19);
}

/** Field of /proc/PID/stat, counted from the state (which is 0) on, since the name before it may hold blanks. */
function statField(pid: number, index: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[index] ?? '';
  } catch (error) {
    if (error instanceof Error) return '';
    throw error;
  }
}
