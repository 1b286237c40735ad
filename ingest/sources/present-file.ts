import { open, type FileHandle } from 'node:fs/promises';
import { ContentReader } from './content-reader.ts';
import { HEAD_BYTES } from './fingerprint.ts';
import { isGzip, type DecompressionLimits } from './gunzip.ts';

/** A file of a set as a scan found it. */
export interface PresentFile {
  readonly path: string;
  readonly inode: number;
  /** Tells a file from an earlier one with the same inode. */
  readonly birthMs: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** The newest of its set, not compressed: the one that is being written. */
  readonly isCurrent: boolean;
}

export interface FileHead {
  readonly head: Uint8Array;
  readonly isGzip: boolean;
  /** It was changed since the scan. */
  readonly isChanged: boolean;
}

/** Opens a path if it is still the file that the scan saw. */
export async function openSame(path: string, inode: number): Promise<FileHandle | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  if ((await handle.stat()).ino === inode) return handle;
  await handle.close();
  return undefined;
}

/** The first bytes of a file's content, at most {@link HEAD_BYTES}, decompressed; undefined if it has gone. */
export async function readHead(file: PresentFile, limits: Partial<DecompressionLimits>): Promise<FileHead | undefined> {
  const handle = await openSame(file.path, file.inode);
  if (handle === undefined) return undefined;
  try {
    const head = new Uint8Array(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (!isGzip(head.subarray(0, bytesRead))) {
      const isChanged = (await handle.stat()).mtimeMs !== file.mtimeMs;
      return { head: head.subarray(0, bytesRead), isGzip: false, isChanged };
    }
    let length = 0;
    for await (const bytes of new ContentReader(handle, limits).read()) {
      const part = bytes.subarray(0, HEAD_BYTES - length);
      head.set(part, length);
      length += part.length;
      if (length === HEAD_BYTES) break;
    }
    return { head: head.subarray(0, length), isGzip: true, isChanged: (await handle.stat()).mtimeMs !== file.mtimeMs };
  } finally {
    await handle.close();
  }
}
