import type { FileHandle } from 'node:fs/promises';
import { Gunzip, isGzip, type DecompressionLimits } from './gunzip.ts';
import { READ_BYTES } from './chunk.ts';

/**
 * Reads one file from its beginning to its present end, decompressed where it is gzip, in chunks of at most 256 KiB of
 * input. `problem` is set where the file ends before its time.
 */
export class ContentReader {
  readonly #file: FileHandle;
  readonly #limits: Partial<DecompressionLimits>;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #gunzip: Gunzip | undefined;

  constructor(file: FileHandle, limits: Partial<DecompressionLimits> = {}) {
    this.#file = file;
    this.#limits = limits;
  }

  get problem(): 'decompression_limit' | 'truncated_input' | undefined {
    return this.#gunzip?.problem;
  }

  /** Chunks are valid until the next one is asked for. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    let offset = 0;
    try {
      for (;;) {
        const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, offset);
        if (bytesRead === 0) break;
        const bytes = this.#buffer.subarray(0, bytesRead);
        if (offset === 0 && isGzip(bytes)) this.#gunzip = new Gunzip(this.#limits);
        offset += bytesRead;
        if (this.#gunzip === undefined) yield bytes;
        else yield* this.#gunzip.push(bytes);
        if (this.problem !== undefined) return;
      }
      if (this.#gunzip !== undefined) yield* this.#gunzip.finish();
    } finally {
      this.#gunzip?.close();
    }
  }
}
