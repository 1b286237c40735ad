/**
 * Place and rank of a destination in a HyperLogLog of 64 registers, as the Java programs of the peers have them: the
 * text's String.hashCode, spread by a 64-bit finaliser (SplittableRandom's). In 32-bit halves: a BigInt an event would
 * cost more than all the rest.
 */
const REGISTERS = 64;
/** Registers of one byte in words of four. */
export const REGISTER_WORDS = 16;

/** String.hashCode of ASCII text. */
export function javaHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  return hash;
}

const C1 = { low: 0x7f4a7c15, high: 0x9e3779b9 | 0 } as const;
const C2 = { low: 0x1ce4e5b9, high: 0xbf58476d | 0 } as const;
const C3 = { low: 0x133111eb, high: 0x94d049bb | 0 } as const;

/** Register in the low six bits, rank above them. */
export function placeAndRank(hash: number): number {
  let low = Math.imul(hash, C1.low);
  let high = (highProduct(hash, C1.low) + Math.imul(hash, C1.high) + Math.imul(hash >> 31, C1.low)) | 0;
  low ^= (low >>> 30) | (high << 2);
  high ^= high >>> 30;
  high = (highProduct(low, C2.low) + Math.imul(low, C2.high) + Math.imul(high, C2.low)) | 0;
  low = Math.imul(low, C2.low);
  low ^= (low >>> 27) | (high << 5);
  high ^= high >>> 27;
  high = (highProduct(low, C3.low) + Math.imul(low, C3.high) + Math.imul(high, C3.low)) | 0;
  low = Math.imul(low, C3.low);
  low ^= (low >>> 31) | (high << 1);
  high ^= high >>> 31;
  const rest = (high << 6) | (low >>> 26);
  const zeros = rest !== 0 ? Math.clz32(rest) : 32 + Math.clz32((low << 6) | 32);
  return ((zeros + 1) << 6) | (high >>> 26);
}

/** Upper half of the product of two unsigned 32-bit numbers. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const first = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) >>> 0;
  const second = (Math.imul(aLow, bHigh) + (first & 0xffff)) >>> 0;
  return (Math.imul(aHigh, bHigh) + (first >>> 16) + (second >>> 16)) | 0;
}

/** The higher of each pair of four registers; all are below 128. */
export function higherRegisters(a: number, b: number): number {
  const isHigher = (((a | 0x80808080) - b) & 0x80808080) >>> 7;
  const mask = Math.imul(isHigher, 255);
  return (a & mask) | (b & ~mask);
}

const INVERSE_POWERS = Float64Array.from({ length: 128 }, (_, rank) => 2 ** -rank);
const SMALL_COUNTS = Float64Array.from({ length: REGISTERS + 1 }, (_, zeros) =>
  zeros === 0 ? 0 : REGISTERS * Math.log(REGISTERS / zeros),
);

/** Distinct destinations in about. */
export function estimate(registers: Int32Array): number {
  let sum = 0;
  let zeros = 0;
  for (let word = 0; word < REGISTER_WORDS; word++) {
    const four = registers[word]!;
    for (let shift = 0; shift < 32; shift += 8) {
      const rank = (four >>> shift) & 127;
      sum += INVERSE_POWERS[rank]!;
      if (rank === 0) zeros++;
    }
  }
  const raw = (0.709 * REGISTERS * REGISTERS) / sum;
  return raw <= 160 && zeros > 0 ? SMALL_COUNTS[zeros]! : raw;
}
