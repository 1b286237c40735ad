import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../../model/errors.ts';

/** `warn`: it works, and somebody should look at it. `fail`: it does not work until something is done. */
export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly level: Level;
  /** What was seen. */
  readonly found: string;
  /** What to do, in words. */
  readonly advice?: string;
}

export interface Check {
  readonly name: string;
  /** What it throws is a finding too: see {@link adviceFor}. */
  run(): Promise<Finding>;
}

/** The checks of one server, or of this machine. */
export interface CheckGroup {
  readonly server: string;
  /** First: where it fails, the others are not asked, since they would say the same. */
  readonly first: Check;
  readonly others: readonly Check[];
  /** What to do about an error, by its code, where this server has its own words. */
  readonly advice: Partial<Record<string, string>>;
  close(): Promise<void>;
}

export interface Result extends Finding {
  readonly server: string;
  readonly check: string;
}

/** Runs the groups side by side, so that one that does not answer holds up no other. In the order of the groups. */
export async function runChecks(groups: readonly CheckGroup[], timeoutMs: number): Promise<Result[]> {
  const results = await Promise.all(
    groups.map(async (group) => {
      const first = await runOne(group, group.first, timeoutMs);
      const others =
        first.level === 'fail' ? [] : await Promise.all(group.others.map((check) => runOne(group, check, timeoutMs)));
      // A connection that cannot be closed within the time is left to the end of the process.
      await Promise.race([group.close().catch(() => undefined), pause(timeoutMs)]);
      return [first, ...others];
    }),
  );
  return results.flat();
}

async function runOne(group: CheckGroup, check: Check, timeoutMs: number): Promise<Result> {
  const about = { server: group.server, check: check.name };
  const late = pause(timeoutMs).then((): Finding => {
    const advice = 'see whether it is overloaded, and whether a firewall drops what is sent to it';
    return { level: 'fail', found: `no answer within ${timeoutMs / 1000} s`, advice };
  });
  try {
    return { ...about, ...(await Promise.race([check.run(), late])) };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const advice = adviceFor(group, error);
    return { ...about, level: 'fail', found, ...(advice !== undefined && { advice }) };
  }
}

function adviceFor(group: CheckGroup, error: unknown): string | undefined {
  return error instanceof VedetteError ? group.advice[error.code] : undefined;
}

async function pause(ms: number): Promise<void> {
  await sleep(ms, undefined, { ref: false });
}

/** Makes the value when it is first asked for, and the same one for all who ask. */
export class Lazy<T> {
  readonly #make: () => Promise<T>;
  #value: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get(): Promise<T> {
    return (this.#value ??= this.#make());
  }

  /** Does something with the value where it was made; one that could not be made needs no end. */
  async end(work: (value: T) => unknown): Promise<void> {
    const value = await this.#value?.catch(() => undefined);
    if (value !== undefined) await work(value);
  }
}
