import { constants, createGunzip, type Gunzip as GunzipTransform } from 'node:zlib';

export interface DecompressionLimits {
  /** Output up to this size is never a bomb, bytes. Default 16 MiB. */
  readonly freeBytes: number;
  /** Beyond it, output may be at most this many times the input. Default 100. */
  readonly maxRatio: number;
  /** Output in all; default unlimited, since files may be large. A request's body should set it. */
  readonly maxBytes: number;
}

const DEFAULT_DECOMPRESSION_LIMITS: DecompressionLimits = {
  freeBytes: 16 * 1024 * 1024,
  maxRatio: 100,
  maxBytes: Number.POSITIVE_INFINITY,
};

/** Deflate grows at most 1032 times, so a piece of this size bounds the output held at once to 16 MiB. */
const PIECE_BYTES = 16 * 1024;
const OUTPUT_CHUNK_BYTES = 128 * 1024;

/**
 * Gzip (RFC 1952) decompression piece by piece, members one after another included, in bounded memory.
 *
 * It never throws on input. `problem` says why the output ends early: 'decompression_limit', or 'truncated_input' where
 * the input breaks off or is corrupt; what came before is delivered.
 */
export class Gunzip {
  readonly #limits: DecompressionLimits;
  readonly #zlib: GunzipTransform;
  #problem: 'decompression_limit' | 'truncated_input' | undefined;
  #output: Uint8Array[] = [];
  #inputBytes = 0;
  #outputBytes = 0;
  /** Called when zlib is done with the piece at hand, well or not. */
  #settle: () => void = () => undefined;

  constructor(limits: Partial<DecompressionLimits> = {}) {
    this.#limits = { ...DEFAULT_DECOMPRESSION_LIMITS, ...limits };
    this.#zlib = createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES, finishFlush: constants.Z_FINISH });
    this.#zlib.on('data', (chunk: Uint8Array) => {
      this.#take(chunk);
    });
    this.#zlib.on('error', () => {
      this.#problem ??= 'truncated_input';
      this.#settle();
    });
  }

  get problem(): 'decompression_limit' | 'truncated_input' | undefined {
    return this.#problem;
  }

  /** Decompresses a piece of input of any size; yields output as it comes. */
  async *push(input: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    for (let start = 0; start < input.length && this.#problem === undefined; start += PIECE_BYTES) {
      const piece = input.subarray(start, start + PIECE_BYTES);
      this.#inputBytes += piece.length;
      await this.#write(piece);
      yield* this.#drain();
    }
  }

  /** The input ends. */
  async *finish(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#problem === undefined && this.#inputBytes > 0) {
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
        this.#zlib.once('end', resolve);
        this.#zlib.end();
      });
      yield* this.#drain();
    }
    this.close();
  }

  close(): void {
    this.#zlib.destroy();
  }

  #write(piece: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      // The output of a piece is emitted before the next turn of the event loop; waiting for it keeps it from being
      // lost when the next piece turns out to be broken.
      this.#zlib.write(piece, () => setImmediate(resolve));
    });
  }

  #take(chunk: Uint8Array): void {
    if (this.#problem === 'decompression_limit') return;
    const { freeBytes, maxRatio, maxBytes } = this.#limits;
    const room = Math.min(maxBytes, Math.max(freeBytes, maxRatio * this.#inputBytes)) - this.#outputBytes;
    const taken = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#outputBytes += taken.length;
    if (taken.length > 0) this.#output.push(taken);
    if (chunk.length > room) this.#problem = 'decompression_limit';
  }

  #drain(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}

/** Whether the bytes begin like gzip's. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}
