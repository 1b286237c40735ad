import { compress, decompress } from '@mongodb-js/zstd';
import { crc32 } from '../../model/crc32.ts';
import { VedetteError } from '../../model/errors.ts';

/** Zstandard at its default level, on libuv's threads. */
export function encodeChunk(raw: Buffer): Promise<Buffer> {
  return compress(raw);
}

/** Throws CHECKPOINT_CORRUPT where the bytes are not those that were stored. */
export function checkChunk(stored: Buffer | undefined, crc: number, name: string): Buffer {
  if (!stored) throw new VedetteError('CHECKPOINT_CORRUPT', `${name} is missing`);
  if (crc32(stored) !== crc) throw new VedetteError('CHECKPOINT_CORRUPT', `${name} is damaged`);
  return stored;
}

/** Of bytes that {@link checkChunk} has passed. */
export function decodeChunk(stored: Buffer): Promise<Buffer> {
  return decompress(stored);
}
