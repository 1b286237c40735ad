import { crc32cBlocks } from './crc32c-simd.ts';
import { CRC32C_TABLE, advance } from './crc32c-table.ts';

/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as Kafka's record batches carry it (magic 2), of
 * `bytes[start, end)`. Long runs go through a vector unit where the runtime has one; the rest by four interleaved words.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const blocks = crc32cBlocks(bytes, { start, end, state: -1 });
  return ~tail(bytes, blocks.start, { end, state: blocks.state }) >>> 0;
}

/** The words of four lanes, each advanced by 16 bytes a step, so that their look-ups do not wait for each other. */
const LANES = 4;
const [FAR0, FAR1, FAR2, FAR3] = laneTables();
const [NEAR0, NEAR1, NEAR2, NEAR3] = tablesOf((n, byte) => advance(CRC32C_TABLE[n]!, 3 - byte));

function tail(bytes: Uint8Array, start: number, { end, state }: { end: number; state: number }): number {
  let crc = state;
  let at = start;
  while (at < end && ((bytes.byteOffset + at) & 3) !== 0) crc = CRC32C_TABLE[(crc ^ bytes[at++]!) & 255]! ^ (crc >>> 8);
  const count = (end - at) >>> 2;
  if (count >= 2 * LANES && LITTLE_ENDIAN) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, count);
    const last = (count >>> 2) * LANES - LANES;
    let a = crc;
    let b = 0;
    let c = 0;
    let d = 0;
    let i = 0;
    for (; i < last; i += LANES) {
      const p = words[i]! ^ a;
      const q = words[i + 1]! ^ b;
      const r = words[i + 2]! ^ c;
      const s = words[i + 3]! ^ d;
      a = FAR0[p & 255]! ^ FAR1[(p >>> 8) & 255]! ^ FAR2[(p >>> 16) & 255]! ^ FAR3[p >>> 24]!;
      b = FAR0[q & 255]! ^ FAR1[(q >>> 8) & 255]! ^ FAR2[(q >>> 16) & 255]! ^ FAR3[q >>> 24]!;
      c = FAR0[r & 255]! ^ FAR1[(r >>> 8) & 255]! ^ FAR2[(r >>> 16) & 255]! ^ FAR3[r >>> 24]!;
      d = FAR0[s & 255]! ^ FAR1[(s >>> 8) & 255]! ^ FAR2[(s >>> 16) & 255]! ^ FAR3[s >>> 24]!;
    }
    crc = word(words[i]! ^ a);
    crc = word(words[i + 1]! ^ b ^ crc);
    crc = word(words[i + 2]! ^ c ^ crc);
    crc = word(words[i + 3]! ^ d ^ crc);
    at += (i + LANES) * 4;
  }
  while (at < end) crc = CRC32C_TABLE[(crc ^ bytes[at++]!) & 255]! ^ (crc >>> 8);
  return crc;
}

function word(value: number): number {
  return NEAR0[value & 255]! ^ NEAR1[(value >>> 8) & 255]! ^ NEAR2[(value >>> 16) & 255]! ^ NEAR3[value >>> 24]!;
}

/** Of a byte of a lane's word: what is left of it when its lane's next word comes. */
function laneTables() {
  return tablesOf((n, byte) => advance(CRC32C_TABLE[n]!, LANES * 4 - 1 - byte));
}

function tablesOf(entry: (n: number, byte: number) => number): [Int32Array, Int32Array, Int32Array, Int32Array] {
  const table = (byte: number) => Int32Array.from({ length: 256 }, (_, n) => entry(n, byte));
  return [table(0), table(1), table(2), table(3)];
}

const LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;
