import * as zlib from 'node:zlib';

type Crc32 = (data: Uint8Array, seed?: number) => number;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as in RFC 1952 (gzip), section 8, a byte at a time; `seed` is the checksum of what came before. */
export function crc32ByTable(data: Uint8Array, seed = 0): number {
  let crc = ~seed;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Node's own where it has one (20.15 and later; some fifty times faster), else {@link crc32ByTable}. */
export const crc32: Crc32 = (zlib as { crc32?: Crc32 }).crc32 ?? crc32ByTable;
