import { fingerprint, HEAD_BYTES } from './fingerprint.ts';

/** What must be kept of one incarnation of a followed file, to go on after a restart. JSON. */
export interface FollowedFileState {
  /** Name of the rotated set that it belongs to. */
  readonly set: string;
  /** Path under which it was first seen. */
  readonly path: string;
  readonly inode: number;
  /** Of the first bytes when it was first seen. */
  readonly fingerprint: string;
  /** How often this inode had been cut back before. */
  readonly truncations: number;
  /** Everything before is durable. */
  readonly offset: number;
  /** By which the file, or a copy of it, is known again: how many first bytes, and their fingerprint. */
  readonly headLength: number;
  readonly headFingerprint: string;
  /** Was there, rotated away, before following began: its content is not ours to read. */
  readonly isHistory?: true;
  /** Compressed files with this content that have been read to their end: inode and size. */
  readonly finished?: readonly (readonly [inode: number, sizeBytes: number])[];
}

/** Source id: `path#inode.fingerprint.truncations`. */
export function incarnationOf(file: Pick<FollowedFileState, 'path' | 'inode' | 'fingerprint' | 'truncations'>): string {
  return `${file.path}#${file.inode}.${file.fingerprint}.${file.truncations}`;
}

/** How many bytes before the reading position are compared at each read, to notice that a file was rewritten. */
const TAIL_BYTES = 64;

/**
 * The content of one followed file from its creation, or from one truncation, to the next. It may be read from several
 * files in turn: the original, its copy (copytruncate), the compressed copy.
 */
export class FollowedFile {
  readonly set: string;
  readonly path: string;
  readonly inode: number;
  readonly fingerprint: string;
  readonly truncations: number;
  readonly incarnation: string;
  readonly isHistory: boolean;
  readonly finished: Map<number, number>;
  #headLength: number;
  #headFingerprint: string;
  #headBytes: Uint8Array | undefined;
  #readOffset: number;
  #durableOffset: number;
  #tail: Uint8Array = new Uint8Array(0);

  constructor(state: FollowedFileState) {
    this.set = state.set;
    this.path = state.path;
    this.inode = state.inode;
    this.fingerprint = state.fingerprint;
    this.truncations = state.truncations;
    this.incarnation = incarnationOf(state);
    this.isHistory = state.isHistory ?? false;
    this.finished = new Map(state.finished);
    this.#headLength = state.headLength;
    this.#headFingerprint = state.headFingerprint;
    this.#readOffset = state.offset;
    this.#durableOffset = state.offset;
  }

  static begin(of: Pick<FollowedFileState, 'set' | 'path' | 'inode' | 'truncations'>, head: Uint8Array): FollowedFile {
    const mark = fingerprint(head);
    const headLength = Math.min(head.length, HEAD_BYTES);
    const file = new FollowedFile({ ...of, fingerprint: mark, offset: 0, headLength, headFingerprint: mark });
    file.seeHead(head);
    return file;
  }

  get readOffset(): number {
    return this.#readOffset;
  }

  /** Last bytes before the reading position; none after a restart, until something has been read. */
  get tail(): Uint8Array {
    return this.#tail;
  }

  get headLength(): number {
    return this.#headLength;
  }

  /** Of the first {@link headLength} bytes. */
  get headFingerprint(): string {
    return this.#headFingerprint;
  }

  /** Whether bytes that were read from the tail's start on still belong to this content. */
  isContinuedBy(bytes: Uint8Array): boolean {
    const expected = this.#readOffset === 0 ? (this.#headBytes ?? this.#tail) : this.#tail;
    return bytes.length >= expected.length && expected.every((byte, index) => bytes[index] === byte);
  }

  /** The more of the beginning is known, the surer a copy is recognised. */
  seeHead(head: Uint8Array): void {
    if (head.length < this.#headLength) return;
    this.#headBytes = head.slice(0, HEAD_BYTES);
    this.#headLength = this.#headBytes.length;
    this.#headFingerprint = fingerprint(this.#headBytes);
  }

  /** Bytes have been read at the reading position. */
  advance(bytes: Uint8Array): void {
    const head = this.#headBytes;
    if (head !== undefined && head.length < HEAD_BYTES && this.#readOffset <= head.length) {
      this.seeHead(join(head.subarray(0, this.#readOffset), bytes.subarray(0, HEAD_BYTES)));
    }
    this.#tail = bytes.length >= TAIL_BYTES ? bytes.slice(-TAIL_BYTES) : join(this.#tail, bytes).slice(-TAIL_BYTES);
    this.#readOffset += bytes.length;
  }

  commit(offset: number): void {
    if (offset > this.#durableOffset) this.#durableOffset = offset;
  }

  state(): FollowedFileState {
    const isDurable = this.#durableOffset >= this.#readOffset;
    return {
      set: this.set,
      path: this.path,
      inode: this.inode,
      fingerprint: this.fingerprint,
      truncations: this.truncations,
      offset: this.#durableOffset,
      headLength: this.#headLength,
      headFingerprint: this.#headFingerprint,
      ...(this.isHistory ? { isHistory: true } : {}),
      ...(isDurable && this.finished.size > 0 ? { finished: [...this.finished] } : {}),
    };
  }
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}
