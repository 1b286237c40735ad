import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Mark = z.object({ pid: z.int(), started: z.string() });
const FILE = 'process.json';

/** A process that a later one can recognise: the pid alone may have been given to another since. */
export interface ProcessMark {
  readonly pid: number;
  /** Start time in ticks since boot; '' where there is no /proc, and then the pid alone is trusted. */
  readonly started: string;
}

function markOf(pid: number): ProcessMark {
  return { pid, started: statField(pid, 19) };
}

/** Remembers in the folder which process works on it. */
export function recordMark(folder: string, pid: number): ProcessMark {
  const mark = markOf(pid);
  writeFileSync(join(folder, FILE), JSON.stringify(mark), { mode: 0o600 });
  return mark;
}

/** Process that the folder was recorded for; it may have ended since. */
export function readMark(folder: string): ProcessMark | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  // One that is cut short names nobody: the machine went down while it was written.
  const parsed = text.endsWith('}') ? Mark.safeParse(JSON.parse(text)) : undefined;
  return parsed?.success === true ? parsed.data : undefined;
}

/** Whether the marked process still runs; one that is frozen does, one that only waits to be reaped does not. */
export function isRunning(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  if (statField(mark.pid, 0) === 'Z') return false;
  return mark.started === '' || statField(mark.pid, 19) === mark.started;
}

/** Sends a signal unless the process is gone. Returns whether it was there. */
export function signalProcess(mark: ProcessMark, signal: NodeJS.Signals): boolean {
  if (!isRunning(mark)) return false;
  try {
    return process.kill(mark.pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
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
