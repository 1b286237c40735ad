import { hashKey } from '../../model/key-hash.ts';

/**
 * A table of fixed-stride rows keyed by 16 bytes, or 8: open addressing over 32-bit slots, rows in pages of typed arrays, so
 * that a look-up touches one index line and one or two lines of a row, and a row costs its stride and about 8 bytes.
 *
 * Row: words 0 and 1 hold the key (as four u32; the first word alone, as two, where keys are short), the rest is the owner's, as Float64 in `f64[at…]` or as two u32 each in
 * `u32[2·at…]`. A row is written through `open(slot)`, which sets these; while a snapshot is being drained that copies
 * the page first (copy on write).
 */
export class RowTable {
  readonly words: number;
  count = 0;
  /** Page and offset of the row that `open` was last called for. */
  f64: Float64Array = EMPTY_F64;
  u32: Uint32Array = EMPTY_U32;
  at = 0;

  private index: Uint32Array;
  private pages: Float64Array[] = [];
  private keys: Uint32Array[] = [];
  /** Keys are the first two of the four words that are given; the other two are 0. */
  private readonly isShort: boolean;
  private readonly shift: number;
  private readonly mask: number;
  /** Where the next pages come from. */
  private slab: Float64Array = EMPTY_F64;
  private used = 0;
  private free: number[] = [];
  private pending: (Float64Array | undefined)[] | undefined;
  private snapshotPages = 0;

  /** @param words Float64 words a row, the key's two (or one) included. */
  constructor(words: number, options: { pageBytes?: number; indexSize?: number; shortKeys?: boolean } = {}) {
    this.words = words;
    this.isShort = options.shortKeys ?? false;
    const rows = Math.max(1, Math.floor((options.pageBytes ?? 65_536) / (words * 8)));
    this.shift = Math.max(0, Math.floor(Math.log2(rows)));
    this.mask = (1 << this.shift) - 1;
    this.index = new Uint32Array(options.indexSize ?? 64);
  }

  /** Bytes held, index included. */
  get byteLength(): number {
    return this.pages.length * this.pageWords * 8 + this.index.byteLength;
  }

  /** Slots in use or once used: every live slot is below it. */
  get slotLimit(): number {
    return this.used;
  }

  find(k0: number, k1: number, k2: number, k3: number): number {
    const { index, isShort } = this;
    const mask = index.length - 1;
    let probe = hashKey(k0, k1, k2, k3) & mask;
    for (;;) {
      const entry = index[probe]!;
      if (entry === 0) return -1;
      const slot = entry - 1;
      const keys = this.keys[slot >>> this.shift]!;
      const at = (slot & this.mask) * this.words * 2;
      if (keys[at] === k0 && keys[at + 1] === k1 && (isShort || (keys[at + 2] === k2 && keys[at + 3] === k3)))
        return slot;
      probe = (probe + 1) & mask;
    }
  }

  /** The key's slot, made (all zero but the key) where it was missing; `inserted` tells which. */
  upsert(k0: number, k1: number, k2: number, k3: number): number {
    const { index, isShort } = this;
    const mask = index.length - 1;
    let probe = hashKey(k0, k1, k2, k3) & mask;
    for (;;) {
      const entry = index[probe]!;
      if (entry === 0) break;
      const slot = entry - 1;
      const keys = this.keys[slot >>> this.shift]!;
      const at = (slot & this.mask) * this.words * 2;
      if (keys[at] === k0 && keys[at + 1] === k1 && (isShort || (keys[at + 2] === k2 && keys[at + 3] === k3))) {
        this.inserted = false;
        return slot;
      }
      probe = (probe + 1) & mask;
    }
    this.inserted = true;
    const slot = this.allocate();
    const at = (slot & this.mask) * this.words * 2;
    this.open(slot);
    const keys = this.keys[slot >>> this.shift]!;
    keys[at] = k0;
    keys[at + 1] = k1;
    if (!isShort) {
      keys[at + 2] = k2;
      keys[at + 3] = k3;
    }
    index[probe] = slot + 1;
    this.count++;
    if (this.count * 2 > index.length) this.rehash(index.length * 2);
    return slot;
  }
  inserted = false;

  /** Points `f64`, `u32` and `at` at the row, for reading and writing. */
  open(slot: number): void {
    const page = slot >>> this.shift;
    if (this.pending !== undefined && page < this.snapshotPages && this.pending[page] === undefined) {
      this.pending[page] = this.pages[page]!.slice();
    }
    this.f64 = this.pages[page]!;
    this.u32 = this.keys[page]!;
    this.at = (slot & this.mask) * this.words;
  }

  /** Points `f64`, `u32` and `at` at the row, for reading only. */
  peek(slot: number): void {
    const page = slot >>> this.shift;
    this.f64 = this.pages[page]!;
    this.u32 = this.keys[page]!;
    this.at = (slot & this.mask) * this.words;
  }

  /** The key's four words, at `keyAt(slot)` of the returned array. */
  keyWords(slot: number): Uint32Array {
    return this.keys[slot >>> this.shift]!;
  }

  keyAt(slot: number): number {
    return (slot & this.mask) * this.words * 2;
  }

  /** The u32 `word` of a row, the key's counted. */
  wordOf(slot: number, word: number): number {
    return this.keyWords(slot)[this.keyAt(slot) + word]!;
  }

  isLive(slot: number): boolean {
    const keys = this.keyWords(slot);
    const at = this.keyAt(slot);
    for (let i = 0; i < this.keyLength; i++) if (keys[at + i] !== DEAD) return true;
    return false;
  }

  remove(slot: number): void {
    const keys = this.keyWords(slot);
    const keyAt = this.keyAt(slot);
    const { index } = this;
    const mask = index.length - 1;
    let hole = this.hashAt(keys, keyAt) & mask;
    while (index[hole] !== slot + 1) hole = (hole + 1) & mask;
    // Backward shift: no tombstones, so probes stay short however many entities come and go.
    for (let next = (hole + 1) & mask; index[next] !== 0; next = (next + 1) & mask) {
      const other = index[next]! - 1;
      const otherKeys = this.keyWords(other);
      const at = this.keyAt(other);
      const home = this.hashAt(otherKeys, at) & mask;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        index[hole] = other + 1;
        hole = next;
      }
    }
    index[hole] = 0;
    this.open(slot);
    this.f64.fill(0, this.at, this.at + this.words);
    keys.fill(DEAD, keyAt, keyAt + this.keyLength);
    this.free.push(slot);
    this.count--;
  }

  /** Empties the table and keeps its memory, unless that is far more than it last needed. */
  clear(): void {
    const wanted = Math.max(64, nextPowerOfTwo(this.count * 2));
    if (this.index.length > wanted * 8) this.index = new Uint32Array(wanted);
    else this.index.fill(0);
    if (this.pending !== undefined) this.handOverPages();
    const pagesWanted = (this.used >>> this.shift) + 1;
    if (this.pages.length > pagesWanted * 4) {
      this.pages.length = pagesWanted;
      this.keys.length = pagesWanted;
    }
    for (let page = 0; page < Math.min(pagesWanted, this.pages.length); page++) this.pages[page]!.fill(0);
    this.count = 0;
    this.used = 0;
    this.free = [];
  }

  /** Freezes the rows as they are now, for {@link drainPage}; writes go on meanwhile. */
  beginSnapshot(): { pages: number; used: number } {
    this.snapshotPages = this.used === 0 ? 0 : ((this.used - 1) >>> this.shift) + 1;
    this.pending = new Array<Float64Array | undefined>(this.snapshotPages).fill(undefined);
    return { pages: this.snapshotPages, used: this.used };
  }

  /** Page as it was when the snapshot began; each page once, in any order. Valid until the next write to the table. */
  drainPage(page: number): Float64Array {
    const saved = this.pending?.[page];
    if (this.pending !== undefined) this.pending[page] = saved ?? DRAINED;
    return saved ?? this.pages[page]!;
  }

  endSnapshot(): void {
    this.pending = undefined;
    this.snapshotPages = 0;
  }

  /** Takes back the bytes of one page as {@link drainPage} gave it, pages in order. The table must be new. */
  restorePage(bytes: Uint8Array): void {
    const page = this.addPage();
    new Uint8Array(page.buffer, page.byteOffset, page.byteLength).set(bytes);
  }

  /** All pages are back: `used` is what {@link beginSnapshot} said. */
  endRestore(used: number): void {
    this.used = used;
    this.free = [];
    this.count = 0;
    for (let slot = 0; slot < used; slot++) {
      if (this.isLive(slot)) this.count++;
      else this.free.push(slot);
    }
    this.rehash(Math.max(64, nextPowerOfTwo(this.count * 2 + 1)));
  }

  /** Live slots in the order of their keys. */
  sortedSlots(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.used; slot++) if (this.isLive(slot)) slots.push(slot);
    return slots.sort((a, b) => this.compareKeys(a, b));
  }

  /** The `n` live slots with the lowest value in the u32 `word`, of equal ones those with the lowest keys. */
  lowestByWord(word: number, n: number): number[] {
    if (n <= 0) return [];
    const values = new Uint32Array(this.count);
    let found = 0;
    for (let slot = 0; slot < this.used; slot++) if (this.isLive(slot)) values[found++] = this.wordOf(slot, word);
    const highest = values.sort()[Math.min(n, found) - 1]!;
    const below: number[] = [];
    const equal: number[] = [];
    for (let slot = 0; slot < this.used; slot++) {
      if (!this.isLive(slot)) continue;
      const value = this.wordOf(slot, word);
      if (value < highest) below.push(slot);
      else if (value === highest) equal.push(slot);
    }
    equal.sort((x, y) => this.compareKeys(x, y));
    return [...below, ...equal.slice(0, n - below.length)];
  }

  /** Orders slots by their keys: unlike slots, that is the same after a restore. */
  compareKeys(a: number, b: number): number {
    const ka = this.keyWords(a);
    const kb = this.keyWords(b);
    const ia = this.keyAt(a);
    const ib = this.keyAt(b);
    for (let i = 0; i < this.keyLength; i++) if (ka[ia + i] !== kb[ib + i]) return ka[ia + i]! - kb[ib + i]!;
    return 0;
  }

  /** Leaves the pages that are still to be drained to the snapshot. */
  private handOverPages(): void {
    for (let page = 0; page < this.snapshotPages; page++) {
      if (this.pending![page] !== undefined || page >= this.pages.length) continue;
      this.pending![page] = this.pages[page]!;
      this.pages[page] = new Float64Array(this.pageWords);
      this.keys[page] = wordsOf(this.pages[page]!);
    }
  }

  /** u32 words of a key. */
  private get keyLength(): number {
    return this.isShort ? 2 : 4;
  }

  private hashAt(keys: Uint32Array, at: number): number {
    return this.isShort
      ? hashKey(keys[at]!, keys[at + 1]!, 0, 0)
      : hashKey(keys[at]!, keys[at + 1]!, keys[at + 2]!, keys[at + 3]!);
  }

  private allocate(): number {
    const reused = this.free.pop();
    if (reused !== undefined) {
      this.open(reused);
      return reused;
    }
    const slot = this.used++;
    if (slot >>> this.shift >= this.pages.length) this.addPage();
    return slot;
  }

  /** Cut from slabs, which grow with the table: small pages by themselves would lie scattered in the heap. */
  private addPage(): Float64Array {
    const { pageWords } = this;
    if (this.slab.length < pageWords) {
      const pages = Math.max(1, Math.min(this.pages.length, Math.floor(SLAB_BYTES / (pageWords * 8))));
      this.slab = new Float64Array(pages * pageWords);
    }
    const page = this.slab.subarray(0, pageWords);
    this.slab = this.slab.subarray(pageWords);
    this.pages.push(page);
    this.keys.push(wordsOf(page));
    return page;
  }

  private get pageWords(): number {
    return (this.mask + 1) * this.words;
  }

  private rehash(size: number): void {
    const index = new Uint32Array(size);
    const mask = size - 1;
    for (let slot = 0; slot < this.used; slot++) {
      if (!this.isLive(slot)) continue;
      const keys = this.keyWords(slot);
      const at = this.keyAt(slot);
      let probe = this.hashAt(keys, at) & mask;
      while (index[probe] !== 0) probe = (probe + 1) & mask;
      index[probe] = slot + 1;
    }
    this.index = index;
  }
}

/** There are a hundred tables of less than a megabyte, and on average half a slab of each is empty. */
const SLAB_BYTES = 1 << 18;
const EMPTY_F64 = new Float64Array(0);
const EMPTY_U32 = new Uint32Array(0);
const DRAINED = EMPTY_F64;
/** A removed row's key: ffff:…:ffff is no address of a host, and no hash is kept that is all ones. */
const DEAD = 0xffffffff;

function wordsOf(page: Float64Array): Uint32Array {
  return new Uint32Array(page.buffer, page.byteOffset, page.length * 2);
}

function nextPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
