import { hashKey } from '../../model/key-hash.ts';

/**
 * A set of 64-bit fingerprints, for exact distinct counts: two different members fall together once in 2^64/n² sets.
 * Entries lie in the order of insertion, so a snapshot is a length: what came before never changes.
 */
export class FingerprintSet {
  count = 0;
  private isFrozen = false;
  private entries: Uint32Array;
  private index: Uint32Array;

  constructor(initialCapacity = 64) {
    this.entries = new Uint32Array(initialCapacity * 2);
    this.index = new Uint32Array(initialCapacity * 2);
  }

  get byteLength(): number {
    return this.entries.byteLength + this.index.byteLength;
  }

  /** Adds a member; true where it was new. */
  add(low: number, high: number): boolean {
    const { index, entries } = this;
    const mask = index.length - 1;
    let probe = (low ^ (high >>> 7)) & mask;
    for (;;) {
      const entry = index[probe]!;
      if (entry === 0) break;
      const at = (entry - 1) * 2;
      if (entries[at] === low && entries[at + 1] === high) return false;
      probe = (probe + 1) & mask;
    }
    if (this.count * 2 >= entries.length) this.growEntries();
    this.entries[this.count * 2] = low;
    this.entries[this.count * 2 + 1] = high;
    index[probe] = ++this.count;
    if (this.count * 2 > index.length) this.rehash(index.length * 2);
    return true;
  }

  has(low: number, high: number): boolean {
    const { index, entries } = this;
    const mask = index.length - 1;
    let probe = (low ^ (high >>> 7)) & mask;
    for (;;) {
      const entry = index[probe]!;
      if (entry === 0) return false;
      const at = (entry - 1) * 2;
      if (entries[at] === low && entries[at + 1] === high) return true;
      probe = (probe + 1) & mask;
    }
  }

  clear(): void {
    if (this.isFrozen) {
      this.entries = new Uint32Array(128);
      this.isFrozen = false;
    }
    if (this.index.length > 4096 && this.index.length > this.count * 16) this.index = new Uint32Array(1024);
    else this.index.fill(0);
    if (this.entries.length > 4096 && this.entries.length > this.count * 16) this.entries = new Uint32Array(1024);
    this.count = 0;
  }

  /** The members so far, low and high words in turn. Not a copy, and yet it never changes. */
  freeze(): Uint32Array {
    this.isFrozen = true;
    return this.entries.subarray(0, this.count * 2);
  }

  restore(dump: Uint32Array): void {
    this.count = dump.length / 2;
    this.entries = new Uint32Array(Math.max(128, 2 ** Math.ceil(Math.log2(dump.length + 2))));
    this.entries.set(dump);
    this.rehash(Math.max(128, this.entries.length));
  }

  private growEntries(): void {
    const entries = new Uint32Array(this.entries.length * 2);
    entries.set(this.entries);
    this.entries = entries;
  }

  private rehash(size: number): void {
    const index = new Uint32Array(size);
    const mask = size - 1;
    for (let i = 0; i < this.count; i++) {
      let probe = (this.entries[i * 2]! ^ (this.entries[i * 2 + 1]! >>> 7)) & mask;
      while (index[probe] !== 0) probe = (probe + 1) & mask;
      index[probe] = i + 1;
    }
    this.index = index;
  }
}

/** Second hash of a key, independent enough of {@link hashKey} that both together are a 64-bit fingerprint. */
export function hashKeyHigh(k0: number, k1: number, k2: number, k3: number): number {
  return hashKey(k3 ^ 0x7feb352d, k0 ^ 0x846ca68b, k1 ^ 0x58f38ded, k2 ^ 0x2545f491);
}
