/** The 64-bit number of a row, out of two words: exact to 2^53; times before 1970 come out negative. */
export function at64(words: Uint32Array, row: number): number {
  return (words[row * 2 + 1]! | 0) * 4294967296 + words[row * 2]!;
}
