import { open, type FileHandle } from 'node:fs/promises';

/** A long log has more segments than a process may have open files. */
const MAX_OPEN = 32;

interface Opened {
  readonly handle: Promise<FileHandle>;
  users: number;
  forgotten: boolean;
}

/** Segment files that are open for reading; the least recently used are closed first. */
export class ReadHandles {
  /** In the order of use. */
  readonly #opened = new Map<string, Opened>();

  async use<T>(path: string, read: (handle: FileHandle) => Promise<T>): Promise<T> {
    const opened = this.#opened.get(path) ?? { handle: open(path, 'r'), users: 0, forgotten: false };
    this.#opened.delete(path);
    this.#opened.set(path, opened);
    opened.users++;
    try {
      return await read(await opened.handle);
    } catch (error) {
      if (this.#opened.get(path) === opened) this.#opened.delete(path);
      opened.forgotten = true;
      throw error;
    } finally {
      opened.users--;
      if (opened.forgotten) await closeUnused(opened);
      await this.#closeOldest();
    }
  }

  /** Closes the file as soon as nobody reads it: a removed file takes disk space until then. */
  async forget(path: string): Promise<void> {
    const opened = this.#opened.get(path);
    if (opened === undefined) return;
    this.#opened.delete(path);
    opened.forgotten = true;
    await closeUnused(opened);
  }

  async close(): Promise<void> {
    for (const path of [...this.#opened.keys()]) await this.forget(path);
  }

  async #closeOldest(): Promise<void> {
    for (const [path, opened] of this.#opened) {
      if (this.#opened.size <= MAX_OPEN) return;
      if (opened.users === 0) await this.forget(path);
    }
  }
}

async function closeUnused(opened: Opened): Promise<void> {
  if (opened.users > 0) return;
  // A file that did not open has nothing to close; whoever used it has had the error.
  const handle = await opened.handle.catch(() => undefined);
  await handle?.close();
}
