import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the project, found from the sources and from the build alike: files that are not code lie there only. */
export const PROJECT_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest) && readFileSync(manifest, 'utf8').includes('"name": "vedette"')) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`no package.json of vedette above ${fileURLToPath(import.meta.url)}`);
  return findRoot(parent);
}
