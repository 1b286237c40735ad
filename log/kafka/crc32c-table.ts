const POLYNOMIAL = 0x82f63b78;

/** Entry n: the remainder of the byte n. */
export const CRC32C_TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** The state after `zeros` further zero bytes. */
export function advance(state: number, zeros: number): number {
  let crc = state;
  for (let i = 0; i < zeros; i++) crc = CRC32C_TABLE[crc & 255]! ^ (crc >>> 8);
  return crc;
}
