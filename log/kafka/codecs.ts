import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { VedetteError } from '../../model/errors.ts';
import { lz4Bound, snappyParts, zstdBound } from './frame-bounds.ts';

/** By their numbers in a batch's attributes. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

/** What a batch may become when it is uncompressed. Batches are at most a topic's `max.message.bytes` when compressed. */
const MAX_UNCOMPRESSED_BYTES = 128 << 20;

interface Compression {
  compress(bytes: Buffer): Promise<Buffer>;
  /** Throws where `bytes` are no such frame, or would become more than `maxBytes`. */
  decompress(bytes: Buffer, maxBytes: number): Promise<Buffer>;
}

/** The package has no types. It reads raw Snappy and Java's framing of it, and writes the former. */
interface SnappyCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

/** Loaded at their first use, so that a broken native package is no concern of who does not use it. */
const LOADERS: Readonly<Record<Exclude<Codec, 'none'>, () => Promise<Compression>>> = {
  gzip: async () => ({
    compress: (bytes) => promisify(gzip)(bytes, { level: 1 }),
    decompress: (bytes, maxOutputLength) => promisify<Buffer, object, Buffer>(gunzip)(bytes, { maxOutputLength }),
  }),
  snappy: async () => {
    const createSnappy = createRequire(import.meta.url)('kafkajs-snappy') as () => SnappyCodec;
    const snappy = createSnappy();
    return {
      compress: (bytes) => snappy.compress({ buffer: bytes }),
      async decompress(bytes, maxBytes) {
        const { parts } = within(snappyParts(bytes), maxBytes);
        return Buffer.concat(await Promise.all(parts.map((part) => snappy.decompress(part))));
      },
    };
  },
  lz4: async () => {
    const { compressFrame, decompressFrameSync } = await import('lz4-napi');
    return {
      compress: (bytes) => compressFrame(bytes),
      // In this thread: 1 ms for 1 MiB. In libuv's each thread would keep the memory of what it last uncompressed.
      decompress: async (bytes, maxBytes) =>
        decompressFrameSync(within({ sizeBytes: lz4Bound(bytes), bytes }, maxBytes).bytes),
    };
  },
  zstd: async () => {
    const { compress, decompress } = await import('@mongodb-js/zstd');
    return {
      compress: (bytes) => compress(bytes, 1),
      decompress: async (bytes, maxBytes) => decompress(within({ sizeBytes: zstdBound(bytes), bytes }, maxBytes).bytes),
    };
  },
};

const loaded = new Map<Codec, Promise<Compression>>();

/** Errors: UNSUPPORTED where the codec's package cannot be loaded on this machine. */
export async function loadCodec(codec: Codec): Promise<Compression | undefined> {
  if (codec === 'none') return undefined;
  let loading = loaded.get(codec);
  if (!loading) {
    loading = LOADERS[codec]();
    loaded.set(codec, loading);
  }
  try {
    return await loading;
  } catch (error) {
    throw new VedetteError('UNSUPPORTED', `codec ${codec} cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}

/** Errors: LOG_CORRUPT where the number is no codec, or the bytes are none of its. */
export async function decompress(number: number, bytes: Uint8Array): Promise<Uint8Array> {
  const codec = CODECS[number];
  if (codec === undefined) throw new VedetteError('LOG_CORRUPT', `records are compressed with unknown codec ${number}`);
  try {
    const compression = await loadCodec(codec);
    if (!compression) return bytes;
    return await compression.decompress(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      MAX_UNCOMPRESSED_BYTES,
    );
  } catch (error) {
    throw new VedetteError('LOG_CORRUPT', `records compressed with ${codec} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Refuses before a byte is uncompressed. */
function within<T extends { readonly sizeBytes: number }>(frame: T, maxBytes: number): T {
  if (frame.sizeBytes <= maxBytes) return frame;
  throw new Error(`they may become ${frame.sizeBytes} bytes, more than ${maxBytes}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
