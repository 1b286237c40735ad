import { open, type FileHandle } from 'node:fs/promises';
import { VedetteError } from '../../model/errors.ts';

/** What the log writes through; only tests put another one in, to make a disk fail. */
export interface LogFiles {
  /** Opens for writing at any position; creates the file when it is missing. */
  openForWriting(path: string): Promise<WritableFile>;
}

export interface WritableFile {
  /** Writes all of it, or rejects. */
  write(data: Uint8Array, position: number): Promise<void>;
  /** Makes data and size durable. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

export const nodeFiles: LogFiles = {
  async openForWriting(path) {
    const handle = await openOrCreate(path);
    return {
      write: (data, position) => writeAll(handle, data, position),
      sync: () => handle.datasync(),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      close: () => handle.close(),
    };
  },
};

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return await open(path, 'wx+');
  }
}

/** A disk that is nearly full takes a part of a write before it refuses the rest. */
async function writeAll(handle: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < data.byteLength) {
    const step = await handle.write(data, written, data.byteLength - written, position + written);
    written += step.bytesWritten;
  }
}

/** Makes names that were created, renamed or removed in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A full disk as LOG_FULL, which callers retry; any other error as it is. */
export function asAppendError(error: unknown, where: string): unknown {
  if (!NO_ROOM.has(errorCode(error) ?? '')) return error;
  return new VedetteError('LOG_FULL', `No room on disk for ${where}; nothing was appended.`, { cause: error });
}
