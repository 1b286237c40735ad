import type { WritableFile } from './log-files.ts';

export type FsyncMode = 'group' | 'never';

/**
 * A file that only grows by whole batches: after a failed write or sync it is cut back to the last good batch, so
 * that it can be appended to again once the disk recovers.
 *
 * One call at a time; {@link GroupCommit} sees to it.
 */
export class DurableFile {
  readonly #file: WritableFile;
  readonly #fsync: FsyncMode;
  #sizeBytes: number;
  #cutPending = false;

  constructor(file: WritableFile, sizeBytes: number, fsync: FsyncMode) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#fsync = fsync;
  }

  /** Bytes that are durable, and the position of the next batch. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Resolves when the data is durable. Rejects with what the disk said, with nothing appended. */
  async append(data: Uint8Array, onWritten?: () => void): Promise<void> {
    if (this.#cutPending) await this.#cut();
    try {
      await this.#file.write(data, this.#sizeBytes);
      onWritten?.();
      await this.#sync();
    } catch (error) {
      this.#cutPending = true;
      // Where even this fails, #cutPending stays set: the next append begins with it, and reports it.
      await this.#cut().catch(() => undefined);
      throw error;
    }
    this.#sizeBytes += data.byteLength;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #cut(): Promise<void> {
    await this.#file.truncate(this.#sizeBytes);
    await this.#sync();
    this.#cutPending = false;
  }

  async #sync(): Promise<void> {
    if (this.#fsync === 'group') await this.#file.sync();
  }
}
