import { isGzip } from './gunzip.ts';

/** `text` and `gzip` can be read; anything else is named, to be said to the user. */
export type FileKind = 'text' | 'gzip' | 'empty' | 'pcap' | 'zstd' | 'xz' | 'bzip2' | 'zip' | 'binary';

const MAGICS: readonly (readonly [kind: FileKind, bytes: readonly number[]])[] = [
  ['pcap', [0xa1, 0xb2, 0xc3, 0xd4]],
  ['pcap', [0xd4, 0xc3, 0xb2, 0xa1]],
  ['pcap', [0xa1, 0xb2, 0x3c, 0x4d]],
  ['pcap', [0x4d, 0x3c, 0xb2, 0xa1]],
  ['pcap', [0x0a, 0x0d, 0x0d, 0x0a]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/** How many first bytes {@link fileKind} should get. */
export const KIND_HEAD_BYTES = 1024;

/** What a file holds, by its first bytes. UTF-16 is binary: no log format that we read is written in it. */
export function fileKind(head: Uint8Array): FileKind {
  if (head.length === 0) return 'empty';
  if (isGzip(head)) return 'gzip';
  for (const [kind, magic] of MAGICS) if (magic.every((byte, index) => head[index] === byte)) return kind;
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) return 'binary';
  // One NUL is a damaged or hostile line in a log; many are a format of another kind.
  let zeros = 0;
  for (const byte of head) if (byte === 0) zeros++;
  return zeros * 16 > head.length ? 'binary' : 'text';
}
