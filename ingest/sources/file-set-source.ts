import { open, type FileHandle } from 'node:fs/promises';
import { VedetteError } from '../../model/errors.ts';
import type { ByteSource, Chunk } from './chunk.ts';
import { ContentReader } from './content-reader.ts';
import type { FileSetSpec } from './file-set.ts';
import { fingerprint } from './fingerprint.ts';
import type { DecompressionLimits } from './gunzip.ts';

/** A position in a set is file index · 2^40 + offset in the decompressed file, so that it rises from file to file. */
export const FILE_STRIDE = 2 ** 40;
/** So many files keep every position below 2^53. */
const MAX_SET_FILES = 2 ** 13;

/**
 * Reads a rotated set, as it stands, as one source: file after file, decompressed. The incarnation is made of the set's
 * name and its first file, so that the same files read twice are the same source.
 *
 * Throws {@link VedetteError} UNSUPPORTED for more than {@link MAX_SET_FILES} files or one over a TiB.
 */
export class FileSetSource implements ByteSource {
  readonly #spec: FileSetSpec;
  readonly #limits: Partial<DecompressionLimits>;
  readonly #chunks: AsyncGenerator<Chunk, void, undefined>;
  #incarnation = '';

  constructor(spec: FileSetSpec, limits: Partial<DecompressionLimits> = {}) {
    if (spec.paths.length > MAX_SET_FILES) {
      throw new VedetteError(
        'UNSUPPORTED',
        `${spec.name}: a set of ${spec.paths.length} files, at most ${MAX_SET_FILES}`,
      );
    }
    this.#spec = spec;
    this.#limits = limits;
    this.#chunks = this.#read();
  }

  async next(): Promise<Chunk | undefined> {
    const result = await this.#chunks.next();
    return result.done === true ? undefined : result.value;
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }

  async *#read(): AsyncGenerator<Chunk, void, undefined> {
    for (const [index, path] of this.#spec.paths.entries()) {
      const file = await open(path, 'r');
      try {
        yield* this.#readFile(file, path, index);
      } finally {
        await file.close();
      }
    }
  }

  async *#readFile(file: FileHandle, path: string, index: number): AsyncGenerator<Chunk, void, undefined> {
    const reader = new ContentReader(file, this.#limits);
    let offset = 0;
    for await (const bytes of reader.read()) {
      if (this.#incarnation === '') await this.#begin(file, bytes);
      if (offset + bytes.length >= FILE_STRIDE) throw new VedetteError('UNSUPPORTED', `${path}: longer than 1 TiB`);
      yield { bytes, position: index * FILE_STRIDE + offset, incarnation: this.#incarnation, path, last: false };
      offset += bytes.length;
    }
    if (this.#incarnation === '') await this.#begin(file, EMPTY);
    const problem = reader.problem;
    yield {
      bytes: EMPTY,
      position: index * FILE_STRIDE + offset,
      incarnation: this.#incarnation,
      path,
      last: true,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async #begin(file: FileHandle, head: Uint8Array): Promise<void> {
    const { ino } = await file.stat();
    this.#incarnation = `${this.#spec.name}#${ino}.${fingerprint(head)}.0`;
  }
}

const EMPTY = new Uint8Array(0);
