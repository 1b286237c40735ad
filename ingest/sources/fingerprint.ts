import { createHash } from 'node:crypto';

/** How much of a file's beginning identifies it. */
export const HEAD_BYTES = 1024;

/** 16 hexadecimal digits that identify a file by its first bytes (at most {@link HEAD_BYTES} count). */
export function fingerprint(head: Uint8Array): string {
  return createHash('sha256').update(head.subarray(0, HEAD_BYTES)).digest('hex').slice(0, 16);
}
