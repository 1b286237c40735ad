/*
 * How large compressed frames can become, from their block headers alone. The native decoders have no limit of their
 * own, and the bytes come from whoever may write to the topic. All throw where the headers make no sense.
 */

const LZ4_MAGIC = 0x184d2204;
const ZSTD_MAGIC = 0xfd2fb528;
const ZSTD_BLOCK_BYTES = 128 << 10;

/** LZ4 frame format 1.6: descriptor with the blocks' largest size, then blocks of a length each, then a zero. */
export function lz4Bound(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('not an LZ4 frame');
  const flags = bytes[4]!;
  const sizeCode = (bytes[5]! >> 4) & 7;
  if (sizeCode < 4) throw new Error(`an LZ4 block size of code ${sizeCode}`);
  const blockBytes = 1 << (8 + 2 * sizeCode);
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0;
  for (let blocks = 0; at + 4 <= bytes.length; blocks++) {
    const length = bytes.readUInt32LE(at) & 0x7fffffff;
    if (length === 0) return blocks * blockBytes;
    at += 4 + length + checksumBytes;
  }
  throw new Error('an LZ4 frame without an end');
}

/** Zstandard (RFC 8878): a block becomes at most 128 KiB, or its own length where it is a run of one byte. */
export function zstdBound(bytes: Buffer): number {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== ZSTD_MAGIC) throw new Error('not a Zstandard frame');
  const descriptor = bytes[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  let at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  let bound = 0;
  while (at + 3 <= bytes.length) {
    const header = bytes.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    const length = header >> 3;
    bound += type === 2 ? ZSTD_BLOCK_BYTES : length;
    at += 3 + (type === 1 ? 1 : length);
    if ((header & 1) === 1) return bound;
  }
  throw new Error('a Zstandard frame without an end');
}

const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;

/** Raw Snappy, or Java's framing of it; each part says at its start how large it becomes. */
export function snappyParts(bytes: Buffer): { parts: Buffer[]; sizeBytes: number } {
  const parts: Buffer[] = [];
  if (!bytes.subarray(0, 8).equals(XERIAL_HEADER)) parts.push(bytes);
  else {
    for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
      if (at + 4 > bytes.length) throw new Error('a Snappy frame that is cut off');
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) throw new Error('a Snappy part that is longer than its frame');
      parts.push(bytes.subarray(at + 4, end));
      at = end;
    }
  }
  return { parts, sizeBytes: parts.reduce((sum, part) => sum + snappySize(part), 0) };
}

function snappySize(part: Buffer): number {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = part[i];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return size;
  }
  throw new Error('a Snappy part without a length');
}
