import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in ticks of 1/100 s, whatever the kernel's own tick (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Parent and processor time (user and system, threads included) out of the text of /proc/PID/stat. */
export function parseStat(text: string): { readonly parent: number; readonly seconds: number } {
  // The name stands in parentheses and may hold blanks and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
}

/** Processor time so far of this process and of everything below it, seconds. What has ended is not counted. */
export function processorSeconds(): { readonly own: number; readonly children: number } {
  const stats = new Map<number, { parent: number; seconds: number }>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const text = readStat(pid);
    if (text !== undefined) stats.set(pid, parseStat(text));
  }
  let children = 0;
  for (const [pid, { seconds }] of stats) if (pid !== process.pid && isBelow(pid, stats)) children += seconds;
  const { user, system } = process.cpuUsage();
  return { own: (user + system) / 1e6, children };
}

function isBelow(pid: number, stats: ReadonlyMap<number, { parent: number }>): boolean {
  for (let at = stats.get(pid)?.parent ?? 0; at > 1; at = stats.get(at)?.parent ?? 0)
    if (at === process.pid) return true;
  return false;
}

function readStat(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

/** Bytes of memory this process has in use after collecting garbage: resident, and on the heap with its buffers. */
export function memoryInUse(): { readonly residentBytes: number; readonly heldBytes: number } {
  if (!globalThis.gc) throw new Error('needs node --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { residentBytes: rss, heldBytes: heapUsed + arrayBuffers };
}

/** Seconds of processor time of this process that `work` took. */
export async function ownSeconds(work: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The value below which the share `at` (0..1) of the values lies: the smallest with at least that share at or below it. */
export function quantile(values: readonly number[], at: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(at * sorted.length) - 1)]!;
}

/** Middle value, the mean of two where there are two; and the extremes. */
export function summarise(values: readonly number[]): { readonly median: number; readonly spread: [number, number] } {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return { median, spread: [sorted[0]!, sorted.at(-1)!] };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
