import type { Readable } from 'node:stream';
import { READ_BYTES, type ByteSource, type Chunk } from './chunk.ts';
import { Gunzip, isGzip, type DecompressionLimits } from './gunzip.ts';

export interface StreamSourceOptions {
  /** Name to show, such as `stdin`. */
  readonly path: string;
  /** A stream can't be read again, so each has an id of its own: the caller's, who alone may use clock and chance. */
  readonly incarnation: string;
  readonly limits?: Partial<DecompressionLimits>;
}

/** Standard input, or any stream of bytes, as a source; gzip is told by its first two bytes. */
export class StreamSource implements ByteSource {
  readonly #stream: Readable;
  readonly #options: StreamSourceOptions;
  readonly #chunks: AsyncGenerator<Chunk, void, undefined>;
  #isClosed = false;

  constructor(stream: Readable, options: StreamSourceOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#chunks = this.#read();
  }

  async next(): Promise<Chunk | undefined> {
    const result = await this.#chunks.next();
    return result.done === true ? undefined : result.value;
  }

  /** Ends a call of {@link next} that is waiting, too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stream.destroy();
    await this.#chunks.return();
  }

  async *#read(): AsyncGenerator<Chunk, void, undefined> {
    const { path, incarnation, limits } = this.#options;
    let position = 0;
    const chunk = (bytes: Uint8Array): Chunk => {
      position += bytes.length;
      return { bytes, position: position - bytes.length, incarnation, path, last: false };
    };
    let gunzip: Gunzip | undefined;
    try {
      for await (const input of this.#input()) {
        if (position === 0 && gunzip === undefined && isGzip(input)) gunzip = new Gunzip(limits);
        if (gunzip === undefined) yield chunk(input);
        else for await (const bytes of gunzip.push(input)) yield chunk(bytes);
        if (gunzip?.problem !== undefined) break;
      }
      if (gunzip !== undefined) for await (const bytes of gunzip.finish()) yield chunk(bytes);
    } finally {
      gunzip?.close();
    }
    const problem = gunzip?.problem;
    yield {
      bytes: new Uint8Array(0),
      position,
      incarnation,
      path,
      last: true,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Pieces of at most 256 KiB, the first of at least two bytes, so that gzip shows. */
  async *#input(): AsyncGenerator<Uint8Array, void, undefined> {
    let first: Uint8Array | undefined;
    let isStarted = false;
    try {
      for await (const data of this.#stream as AsyncIterable<Uint8Array | string>) {
        let bytes: Uint8Array = typeof data === 'string' ? Buffer.from(data) : data;
        if (!isStarted) {
          if (first !== undefined) bytes = Buffer.concat([first, bytes]);
          if (bytes.length < 2) {
            first = bytes;
            continue;
          }
          isStarted = true;
        }
        for (let start = 0; start < bytes.length; start += READ_BYTES) yield bytes.subarray(start, start + READ_BYTES);
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
    if (!isStarted && first !== undefined && first.length > 0) yield first;
  }
}
