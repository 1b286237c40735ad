import { createHash } from 'node:crypto';

/** A source's name in a key. Keys have a limit; sources are paths and topics, and may be longer. */
export function placeName(source: string): string {
  return Buffer.byteLength(source) <= 1024 ? source : `#${createHash('sha256').update(source).digest('hex')}`;
}
