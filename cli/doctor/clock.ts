import type { Finding } from './check.ts';

/** Clocks that differ by more make retention, leases and times in tables wrong by as much, ms. */
const WARN_MS = 1000;
const FAIL_MS = 30_000;

/** Asks a server for its time, ms since 1970, and compares it with ours in the middle of the request. */
export async function clockFinding(
  ask: () => Promise<number>,
  { resolutionMs = 1 }: { readonly resolutionMs?: number } = {},
): Promise<Finding> {
  const before = Date.now();
  const server = await ask();
  const after = Date.now();
  return judgeClock(server + resolutionMs / 2 - (before + after) / 2, (after - before + resolutionMs) / 2);
}

/** `skewMs`: how far the server is ahead; `errorMs`: how wrong that may be. */
export function judgeClock(skewMs: number, errorMs: number): Finding {
  const certain = Math.max(0, Math.abs(skewMs) - errorMs);
  const found = `${skewMs >= 0 ? 'ahead of' : 'behind'} this machine by ${Math.abs(Math.round(skewMs))} ms (± ${Math.ceil(errorMs)})`;
  if (certain <= WARN_MS) return { level: 'ok', found };
  const advice = 'run a time service (chrony, systemd-timesyncd) on both machines';
  return { level: certain > FAIL_MS ? 'fail' : 'warn', found, advice };
}
