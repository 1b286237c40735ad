import { FollowedFile, type FollowedFileState } from './followed-file.ts';
import { fingerprint } from './fingerprint.ts';
import type { PresentFile } from './present-file.ts';

/** Vanished files are remembered, to know their compressed copies again. */
const MAX_REMEMBERED = 256;

/** The contents that a rotated set has had, by which copies are known again. */
export class KnownContents {
  readonly #setName: string;
  readonly #known: FollowedFile[];

  constructor(setName: string, state: readonly FollowedFileState[]) {
    this.#setName = setName;
    this.#known = state.map((file) => new FollowedFile(file));
  }

  get all(): readonly FollowedFile[] {
    return this.#known;
  }

  hasInode(inode: number): boolean {
    return this.#known.some((known) => known.inode === inode);
  }

  /** The known content that begins with `head`: preferably of the same file, and of which most is known. */
  find(file: PresentFile, head: Uint8Array, without: readonly FollowedFile[]): FollowedFile | undefined {
    const marks = new Map<number, string>();
    let best: FollowedFile | undefined;
    for (const known of this.#known) {
      const length = known.headLength;
      if (length > head.length || without.includes(known) || !canHold(file, known)) continue;
      // A short beginning proves nothing about a file that is not going to be read.
      if (known.isHistory && known.inode !== file.inode && (file.isCurrent || length < head.length)) continue;
      const mark = marks.get(length) ?? fingerprint(head.subarray(0, length));
      marks.set(length, mark);
      if (known.headFingerprint !== mark) continue;
      const isSameFile = known.inode === file.inode;
      const isBetter =
        best === undefined || (best.inode === file.inode) === isSameFile
          ? length >= (best?.headLength ?? 0)
          : isSameFile;
      if (isBetter) best = known;
    }
    return best;
  }

  /** A content that was there before following began, and isn't ours to read. */
  addHistory(file: PresentFile, head: Uint8Array): void {
    const { path, inode } = file;
    const begun = FollowedFile.begin({ set: this.#setName, path, inode, truncations: 0 }, head);
    this.#known.push(new FollowedFile({ ...begun.state(), isHistory: true }));
  }

  begin(file: PresentFile, head: Uint8Array): FollowedFile {
    const earlier = this.#known.filter((known) => known.inode === file.inode).map((known) => known.truncations);
    const truncations = earlier.length === 0 ? 0 : Math.max(...earlier) + 1;
    const followed = FollowedFile.begin({ set: this.#setName, path: file.path, inode: file.inode, truncations }, head);
    this.#known.push(followed);
    return followed;
  }

  /** Drops the oldest of those that no file holds any more, beyond {@link MAX_REMEMBERED}. */
  forget(inUse: ReadonlySet<FollowedFile>): void {
    let excess = this.#known.length - MAX_REMEMBERED;
    for (let index = 0; index < this.#known.length && excess > 0;) {
      if (inUse.has(this.#known[index]!)) {
        index++;
      } else {
        this.#known.splice(index, 1);
        excess--;
      }
    }
  }
}

/** The file that is being written can't hold less than what was read of it: then it was cut back. */
function canHold(file: PresentFile, known: FollowedFile): boolean {
  return known.isHistory || !file.isCurrent || file.sizeBytes >= known.readOffset;
}
