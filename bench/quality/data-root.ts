import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Folder of the recorded data: VEDETTE_DATA, or `shared/data` beside the project (npm runs scripts in its root). */
export const DATA_ROOT = process.env['VEDETTE_DATA'] ?? join(process.cwd(), '..', 'shared', 'data');

export function dataPath(name: string): string {
  return join(DATA_ROOT, name);
}

export function hasData(...names: readonly string[]): boolean {
  return names.every((name) => existsSync(dataPath(name)));
}

/** Files of a folder that end in `ending`, as full paths, sorted by name. */
export function filesOf(folder: string, ending: string): string[] {
  return readdirSync(dataPath(folder))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(dataPath(folder), name));
}

/** Lines of a text file, gzip or not, without the empty ones. */
export function readLines(path: string): string[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split(/\r?\n/).filter((line) => line !== '');
}
