import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileKind, KIND_HEAD_BYTES, type FileKind } from './file-kind.ts';

export interface CollectedFiles {
  /** Readable files, sorted; gzip included. */
  readonly paths: readonly string[];
  /** What was passed over, and why, to be said to the user. */
  readonly skipped: readonly { readonly path: string; readonly reason: SkipReason }[];
}

export type SkipReason = Exclude<FileKind, 'text' | 'gzip'> | 'hidden' | 'unreadable' | 'not_a_file' | 'missing';

/** Finds the logs under files and folders, folders recursively. Each file counts once, by whatever path it is reached. */
export async function collectFiles(paths: readonly string[]): Promise<CollectedFiles> {
  const found: string[] = [];
  const skipped: { path: string; reason: SkipReason }[] = [];
  const seen = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    const real = await realpath(path).catch(() => undefined);
    const info = real === undefined ? undefined : await stat(real).catch(() => undefined);
    if (real === undefined || info === undefined) {
      skipped.push({ path, reason: 'missing' });
      return;
    }
    if (seen.has(real)) return;
    seen.add(real);
    if (info.isDirectory()) {
      const names = await readdir(path).catch(() => undefined);
      if (names === undefined) skipped.push({ path, reason: 'unreadable' });
      for (const name of (names ?? []).sort()) {
        if (name.startsWith('.')) skipped.push({ path: join(path, name), reason: 'hidden' });
        else await visit(join(path, name));
      }
    } else if (info.isFile()) {
      const kind = await kindOf(path);
      if (kind === 'text' || kind === 'gzip') found.push(path);
      else skipped.push({ path, reason: kind });
    } else {
      skipped.push({ path, reason: 'not_a_file' });
    }
  };
  for (const path of paths) await visit(path);
  return { paths: found.sort(), skipped };
}

async function kindOf(path: string): Promise<FileKind | 'unreadable'> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return 'unreadable';
  try {
    const head = new Uint8Array(KIND_HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return fileKind(head.subarray(0, bytesRead));
  } catch {
    return 'unreadable';
  } finally {
    await file.close();
  }
}
