import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { resolveChildLibraries } from '../../olap/child-host.ts';
import type { Check, CheckGroup } from './check.ts';

const LEAST_NODE = 20;
const LEAST_FREE_BYTES = 1024 ** 3;
const GIB = 1024 ** 3;

export interface MachineOptions {
  /** Folder of the data; undefined: the servers keep everything. */
  readonly dataDir?: string;
  /** Most that the event log may grow to, bytes. */
  readonly logBytes: number;
}

/** What this machine needs: Node, and in the embedded form ClickHouse's library and a folder with space. */
export function machineChecks({ dataDir, logBytes }: MachineOptions): CheckGroup {
  return {
    server: 'this machine',
    first: { name: 'node', run: async () => nodeFinding(process.versions.node) },
    others: dataDir === undefined ? [] : embeddedChecks(resolve(dataDir), logBytes),
    advice: { UNSUPPORTED: 'install the packages again with `npm ci`, or use a ClickHouse server' },
    close: () => Promise.resolve(),
  };
}

export function nodeFinding(version: string): Awaited<ReturnType<Check['run']>> {
  const found = `Node ${version}`;
  if (Number(version.split('.', 1)[0]) >= LEAST_NODE) return { level: 'ok', found };
  return { level: 'fail', found, advice: `install Node ${LEAST_NODE} or newer` };
}

function embeddedChecks(dataDir: string, logBytes: number): Check[] {
  return [
    {
      name: 'chdb',
      run: async () => ({ level: 'ok', found: `embedded ClickHouse at ${resolveChildLibraries().clickhouse}` }),
    },
    {
      name: 'data folder',
      run: async () => {
        const place = await nearest(dataDir);
        const isThere = place === dataDir;
        try {
          await access(place, constants.W_OK | constants.X_OK);
        } catch {
          const advice = `give this user the right to write there, or name another folder with --data`;
          return { level: 'fail', found: `${place} may not be written`, advice };
        }
        return { level: 'ok', found: isThere ? dataDir : `${dataDir} will be made` };
      },
    },
    {
      name: 'disk',
      run: async () => {
        const { bavail, bsize } = await statfs(await nearest(dataDir));
        const free = bavail * bsize;
        const found = `${(free / GIB).toFixed(1)} GiB free`;
        const advice = `free some space, or lower log.maxBytes (${(logBytes / GIB).toFixed(1)} GiB)`;
        if (free < LEAST_FREE_BYTES) return { level: 'fail', found, advice };
        return free < logBytes ? { level: 'warn', found, advice } : { level: 'ok', found };
      },
    },
  ];
}

/** The folder itself, or the first above it that is there. */
async function nearest(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || dirname(path) === path ? path : nearest(dirname(path));
}
