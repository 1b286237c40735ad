import type { FileHandle } from 'node:fs/promises';
import type { Chunk } from './chunk.ts';
import { ContentReader } from './content-reader.ts';
import { fileKind, type FileKind } from './file-kind.ts';
import { HEAD_BYTES } from './fingerprint.ts';
import type { FollowedFile, FollowedFileState } from './followed-file.ts';
import type { DecompressionLimits } from './gunzip.ts';
import { KnownContents } from './known-contents.ts';
import { openSame, readHead, type PresentFile } from './present-file.ts';

export interface SetFollowerOptions {
  readonly name: string;
  /** What to do with rotated files that are there when following begins. */
  readonly history: 'read' | 'skip';
  readonly state: readonly FollowedFileState[];
  /** A file that hasn't changed for so long is complete, if a newer one exists. */
  readonly quietMs: number;
  readonly limits: Partial<DecompressionLimits>;
  /** Shared by all sets of a follower: a chunk is used up before the next is read. */
  readonly buffer: Uint8Array;
  readonly onUnsupported: (path: string, kind: FileKind) => void;
}

interface Binding {
  readonly followed: FollowedFile;
  readonly birthMs: number;
  /** Contents that it was taken for, and isn't. */
  readonly rejected: readonly FollowedFile[];
  readonly isGzip: boolean;
  /** Another file had this content first. */
  readonly isCopy: boolean;
  /** Size at which there was nothing more to read; −1 before. */
  finishedSize: number;
  /** Scan and size at which its end was last reached. */
  endScan: number;
  endSize: number;
}

interface OpenGzip {
  readonly inode: number;
  readonly handle: FileHandle;
  readonly reader: ContentReader;
  readonly chunks: AsyncGenerator<Uint8Array, void, undefined>;
  offset: number;
}

/** A file this long unchanged is not kept open. */
const CLOSE_AFTER_MS = 60_000;
const EMPTY = new Uint8Array(0);

/**
 * Follows the files of one rotated set as one source after another, oldest first: a file is read to its end before the
 * next is begun.
 *
 * One rule covers rename, copytruncate and compression: content is known by its beginning, whatever file it is in, and
 * each content is read once, on from where it was left. A file that is shorter than what was read of it, or whose bytes
 * before the reading position have changed, begins a new content (`truncations` + 1).
 */
export class SetFollower {
  readonly #options: SetFollowerOptions;
  readonly #known: KnownContents;
  readonly #bindings = new Map<number, Binding>();
  readonly #unsupported = new Set<number>();
  readonly #told = new Set<number>();
  /** Size of files that are not yet known, and the scan that first saw it. */
  readonly #newSizes = new Map<number, { readonly sizeBytes: number; readonly scan: number }>();
  #files: readonly PresentFile[] = [];
  #scan = 0;
  #nowMs = 0;
  #isFirstScan: boolean;
  /** A file turned out not to be what the scan saw: nothing more is read before the next one. */
  #isStale = false;
  /** What the last chunk came from: it ends when another content begins. */
  #current: FollowedFile | undefined;
  #pending: Chunk | undefined;
  #open:
    | { readonly inode: number; readonly handle: FileHandle; readonly file: PresentFile; missingScans: number }
    | undefined;
  #gzip: OpenGzip | undefined;

  constructor(options: SetFollowerOptions) {
    this.#options = options;
    this.#known = new KnownContents(options.name, options.state);
    this.#isFirstScan = options.state.length === 0;
  }

  /** Whether a new scan is wanted before anything else. */
  get isStale(): boolean {
    return this.#isStale;
  }

  get known(): readonly FollowedFile[] {
    return this.#known.all;
  }

  /** What a scan of the folder found, oldest first. */
  async update(files: readonly PresentFile[], nowMs: number): Promise<void> {
    this.#files = files;
    this.#nowMs = nowMs;
    this.#scan++;
    this.#isStale = false;
    const present = new Set(files.map((file) => file.inode));
    for (const file of files) {
      const binding = this.#bindings.get(file.inode);
      if (binding !== undefined && binding.birthMs !== file.birthMs) this.#bindings.delete(file.inode);
    }
    for (const inode of this.#bindings.keys()) {
      if (!present.has(inode) && inode !== this.#open?.inode) this.#bindings.delete(inode);
    }
    if (this.#open !== undefined)
      this.#open.missingScans = present.has(this.#open.inode) ? 0 : this.#open.missingScans + 1;
    if (this.#isFirstScan) {
      this.#isFirstScan = false;
      if (this.#options.history === 'skip') await this.#skipHistory();
    }
    const inUse = new Set([...this.#bindings.values()].map((binding) => binding.followed));
    if (this.#current !== undefined) inUse.add(this.#current);
    this.#known.forget(inUse);
  }

  /** The next chunk that can be read now; undefined where there is none, until the next scan. */
  async next(): Promise<Chunk | undefined> {
    if (this.#pending !== undefined) {
      const pending = this.#pending;
      this.#pending = undefined;
      return pending;
    }
    if (this.#isStale) return undefined;
    const deleted = await this.#readDeleted();
    if (deleted !== undefined) return deleted === 'wait' ? undefined : deleted;
    for (const file of this.#files) {
      if (this.#unsupported.has(file.inode)) continue;
      const binding = this.#bindings.get(file.inode) ?? (await this.#identify(file));
      if (binding === 'empty') continue;
      if (binding === undefined) {
        // An empty file that has been followed by another holds nothing; any other is looked at again.
        if (this.#unsupported.has(file.inode) || (file.sizeBytes === 0 && this.#isQuiet(file))) continue;
        return undefined;
      }
      if (this.#isStale) return undefined;
      if (binding.finishedSize === file.sizeBytes || binding.followed.isHistory) continue;
      const chunk = binding.isGzip ? await this.#readGzip(file, binding) : await this.#readText(file, binding);
      if (chunk === 'changed') {
        this.#isStale = true;
        return undefined;
      }
      if (chunk !== undefined) return this.#inOrder(binding.followed, chunk);
      if (file.isCurrent) {
        if (this.#nowMs - file.mtimeMs > CLOSE_AFTER_MS) await this.#closeText();
        continue;
      }
      const isSettled = this.#isQuiet(file) || (binding.endSize === file.sizeBytes && binding.endScan < this.#scan);
      if (!isSettled) {
        if (binding.endSize !== file.sizeBytes) binding.endScan = this.#scan;
        binding.endSize = file.sizeBytes;
        return undefined;
      }
      binding.finishedSize = file.sizeBytes;
      if (this.#open?.inode === file.inode) await this.#closeText();
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#closeText();
    await this.#closeGzip();
  }

  #isQuiet(file: PresentFile): boolean {
    return this.#nowMs - file.mtimeMs > this.#options.quietMs;
  }

  /** A deleted file that is still open is read to its end; a file between two names looks deleted for one scan. */
  async #readDeleted(): Promise<Chunk | 'wait' | undefined> {
    const held = this.#open;
    if (held === undefined || held.missingScans === 0) return undefined;
    const binding = this.#bindings.get(held.inode);
    if (binding !== undefined) {
      const chunk = await this.#readText(held.file, binding);
      if (chunk !== undefined && chunk !== 'changed') return this.#inOrder(binding.followed, chunk);
    }
    if (held.missingScans < 2) return 'wait';
    await this.#closeText();
    return undefined;
  }

  /** Ends the content that was being read before another one begins. */
  #inOrder(followed: FollowedFile, chunk: Chunk): Chunk {
    const ended = this.#current;
    this.#current = chunk.last ? undefined : followed;
    if (ended === undefined || ended === followed) return chunk;
    this.#pending = { ...chunk, bytes: chunk.bytes.slice() };
    return { bytes: EMPTY, position: ended.readOffset, incarnation: ended.incarnation, path: ended.path, last: true };
  }

  /**
   * Finds the content that a file holds, or begins a new one; undefined where it is too early to tell. `empty`: a
   * compressed file that breaks off before its first byte, which must not hold up those after it.
   */
  async #identify(file: PresentFile): Promise<Binding | 'empty' | undefined> {
    // A copy is being written for a while; by its first bytes alone it would look like something new.
    if (
      !file.isCurrent &&
      !this.#isQuiet(file) &&
      !(this.#scan === 1 && this.#known.hasInode(file.inode)) &&
      !this.#isUnchanged(file)
    ) {
      return undefined;
    }
    const seen = await readHead(file, this.#options.limits);
    if (seen === undefined) return undefined;
    if (seen.head.length === 0) {
      if (!seen.isGzip || !this.#isQuiet(file)) return undefined;
      if (!this.#told.has(file.inode)) this.#options.onUnsupported(file.path, 'empty');
      this.#told.add(file.inode);
      return 'empty';
    }
    const kind = fileKind(seen.head);
    if (kind !== 'text') {
      this.#unsupported.add(file.inode);
      this.#options.onUnsupported(file.path, kind);
      return undefined;
    }
    this.#newSizes.delete(file.inode);
    const binding = this.#bind(file, seen.head, seen.isGzip, []);
    // New content may have come after the scan, and what it replaced stand under an older name now.
    const isNew = binding.followed.readOffset === 0;
    if (isNew && (seen.isChanged || !this.#isQuiet(file))) this.#isStale = true;
    return binding;
  }

  #isUnchanged(file: PresentFile): boolean {
    const seen = this.#newSizes.get(file.inode);
    if (seen?.sizeBytes === file.sizeBytes) return seen.scan < this.#scan;
    this.#newSizes.set(file.inode, { sizeBytes: file.sizeBytes, scan: this.#scan });
    return false;
  }

  /** Binds a file to the known content that it holds, those in `rejected` excepted, or to a new one. */
  #bind(file: PresentFile, head: Uint8Array, isCompressed: boolean, rejected: readonly FollowedFile[]): Binding {
    const followed = this.#known.find(file, head, rejected) ?? this.#known.begin(file, head);
    followed.seeHead(head);
    const isFinished = followed.finished.get(file.inode) === file.sizeBytes;
    const binding: Binding = {
      followed,
      birthMs: file.birthMs,
      rejected,
      isGzip: isCompressed,
      isCopy: followed.inode !== file.inode,
      finishedSize: isFinished ? file.sizeBytes : -1,
      endScan: this.#scan,
      endSize: -1,
    };
    this.#bindings.set(file.inode, binding);
    return binding;
  }

  async #readText(file: PresentFile, binding: Binding): Promise<Chunk | 'changed' | undefined> {
    const { followed } = binding;
    const { path, inode } = file;
    if (this.#open?.inode !== inode) {
      await this.#closeText();
      const handle = await openSame(path, inode);
      if (handle === undefined) return 'changed';
      this.#open = { inode, handle, file, missingScans: 0 };
    }
    const { handle } = this.#open;
    const { buffer } = this.#options;
    const overlap = followed.tail.length;
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, followed.readOffset - overlap);
    const isSame = followed.isContinuedBy(buffer.subarray(0, bytesRead));
    const isShorter = !isSame || (bytesRead === 0 && (await handle.stat()).size < followed.readOffset);
    if (isShorter) {
      if (binding.isCopy && bytesRead < overlap) return undefined;
      return this.#cutBack(file, binding);
    }
    if (bytesRead === overlap) return undefined;
    const bytes = buffer.subarray(overlap, bytesRead);
    const position = followed.readOffset;
    followed.advance(bytes);
    return { bytes, position, incarnation: followed.incarnation, path, last: false };
  }

  /** The file holds other bytes than those that were read of it: what it holds now is another content. */
  async #cutBack(file: PresentFile, binding: Binding): Promise<'changed'> {
    const { handle } = this.#open!;
    const head = new Uint8Array(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const { size } = await handle.stat();
    this.#bindings.delete(file.inode);
    const rejected = [...binding.rejected, binding.followed];
    if (bytesRead > 0) this.#bind({ ...file, sizeBytes: size }, head.subarray(0, bytesRead), false, rejected);
    return 'changed';
  }

  async #readGzip(file: PresentFile, binding: Binding): Promise<Chunk | 'changed' | undefined> {
    const { followed } = binding;
    if (this.#gzip?.inode !== file.inode) {
      await this.#closeGzip();
      const handle = await openSame(file.path, file.inode);
      if (handle === undefined) return 'changed';
      const reader = new ContentReader(handle, this.#options.limits);
      this.#gzip = { inode: file.inode, handle, reader, chunks: reader.read(), offset: 0 };
    }
    const gzip = this.#gzip;
    for (;;) {
      const result = await gzip.chunks.next();
      if (result.done === true) break;
      const start = gzip.offset;
      gzip.offset += result.value.length;
      if (gzip.offset <= followed.readOffset) continue;
      const from = followed.readOffset - start;
      if (from > 0 && !endsWith(result.value.subarray(0, from), followed.tail)) {
        await this.#closeGzip();
        this.#bind(file, result.value, true, [...binding.rejected, followed]);
        return 'changed';
      }
      const bytes = result.value.subarray(from);
      const position = followed.readOffset;
      followed.advance(bytes);
      return { bytes, position, incarnation: followed.incarnation, path: file.path, last: false };
    }
    const { problem } = gzip.reader;
    await this.#closeGzip();
    binding.finishedSize = file.sizeBytes;
    followed.finished.set(file.inode, file.sizeBytes);
    if (problem === undefined) return undefined;
    return {
      bytes: EMPTY,
      position: followed.readOffset,
      incarnation: followed.incarnation,
      path: file.path,
      last: true,
      problem,
    };
  }

  async #skipHistory(): Promise<void> {
    for (const file of this.#files) {
      if (file.isCurrent) continue;
      const seen = await readHead(file, this.#options.limits);
      if (seen === undefined || seen.head.length === 0) continue;
      this.#known.addHistory(file, seen.head);
    }
  }

  async #closeText(): Promise<void> {
    const held = this.#open;
    this.#open = undefined;
    await held?.handle.close();
  }

  async #closeGzip(): Promise<void> {
    const gzip = this.#gzip;
    this.#gzip = undefined;
    await gzip?.chunks.return();
    await gzip?.handle.close();
  }
}

function endsWith(bytes: Uint8Array, tail: Uint8Array): boolean {
  const length = Math.min(bytes.length, tail.length);
  for (let back = 1; back <= length; back++) if (bytes[bytes.length - back] !== tail[tail.length - back]) return false;
  return true;
}
