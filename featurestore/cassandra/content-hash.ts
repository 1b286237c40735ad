import * as crypto from 'node:crypto';

type Hash = (algorithm: string, data: Uint8Array, encoding: 'hex') => string;

/** In one call where Node has that (20.12 and later): an object a page would be a third of the work. */
const hash: Hash =
  (crypto as { hash?: Hash }).hash ??
  ((algorithm, data, encoding) => crypto.createHash(algorithm).update(data).digest(encoding));

/** Hex digits of SHA-256 that are kept: 96 bits. A page that changed unseen would be lost, so a checksum won't do. */
const DIGITS = 24;

export function contentHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex').slice(0, DIGITS);
}
