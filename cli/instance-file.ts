import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a running instance says how it is reached, in its data folder. */
const FILE = 'instance.json';

export interface InstanceFile {
  readonly url: string;
  readonly pid: number;
  /** Folder of the data it works on: the sample's lies inside the one that the user names. */
  readonly dataDir: string;
}

export function writeInstanceFile(dir: string, instance: InstanceFile): void {
  writeFileSync(join(dir, FILE), JSON.stringify(instance), { mode: 0o600 });
}

export function removeInstanceFile(dir: string): void {
  rmSync(join(dir, FILE), { force: true });
}

/** The instance that runs on a data folder; undefined where none does, whatever a killed one left behind. */
export function readInstanceFile(dir: string): InstanceFile | undefined {
  let text: string;
  try {
    text = readFileSync(join(dir, FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const instance = JSON.parse(text) as InstanceFile;
  return isAlive(instance.pid) ? instance : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
