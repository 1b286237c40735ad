import { createHash } from 'node:crypto';

/** Murmur3's finaliser over the four words of a 16-byte key. Decides partitions, so it never changes. */
export function hashKey(k0: number, k1: number, k2: number, k3: number): number {
  let h = Math.imul(k0 ^ Math.imul(k1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(k2 ^ Math.imul(k3, 0x27d4eb2f), 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Partition of a key: high bits, since tables of a partition use the low ones. */
export function partitionOf(k0: number, k1: number, k2: number, k3: number, partitions: number): number {
  return partitions === 1 ? 0 : (hashKey(k3, k2, k1, k0) >>> 4) % partitions;
}

/** The key of a named entity: the first 16 bytes of SHA-256, which nobody can make collide. */
export function nameKey(...parts: readonly string[]): Uint32Array {
  const digest = createHash('sha256').update(parts.join('\u0000')).digest();
  return Uint32Array.of(
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  );
}
