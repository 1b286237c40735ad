import { basename, dirname, join } from 'node:path';
import { compareRotatedNames, parseRotatedName, type RotatedName } from './rotated-name.ts';

/** Files that are one log, cut by rotation: one source. */
export interface FileSetSpec {
  /** Folder and canonical name, `logs/conn.log`: the same before and after a rotation. */
  readonly name: string;
  readonly directory: string;
  /** `conn` */
  readonly stem: string;
  /** Oldest first. */
  readonly paths: readonly string[];
}

/**
 * Groups files into rotated sets by folder and name, each ordered by time: dates rising, numbers falling, the current
 * file last. A compressed file beside its original (`conn.log.1`, `conn.log.1.gz`) is left out, being the same.
 * Sets are in the order of their names. Pure: looks at the names only.
 */
export function groupFiles(paths: readonly string[]): FileSetSpec[] {
  const sets = new Map<string, { readonly path: string; readonly name: RotatedName }[]>();
  const given = new Set(paths);
  for (const path of given) {
    if (path.endsWith('.gz') && given.has(path.slice(0, -'.gz'.length))) continue;
    const name = parseRotatedName(basename(path));
    const key = setName(path);
    const members = sets.get(key);
    if (members === undefined) sets.set(key, [{ path, name }]);
    else members.push({ path, name });
  }
  return [...sets]
    .sort(([left], [right]) => compareText(left, right))
    .map(([name, members]) => ({
      name,
      directory: dirname(members[0]!.path),
      stem: members[0]!.name.stem,
      paths: members
        .sort((left, right) => compareRotatedNames(left.name, right.name) || compareText(left.path, right.path))
        .map((member) => member.path),
    }));
}

/** The set that a file belongs to: its folder and canonical name. */
export function setName(path: string): string {
  return join(dirname(path), parseRotatedName(basename(path)).canonicalName);
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
