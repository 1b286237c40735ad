import { formatAddress } from '../model/address.ts';

const scratch = new Uint32Array(4);
const scratchBytes = new Uint8Array(scratch.buffer);

/** Text of the address whose four words start at `at`. */
export function formatAddressWords(words: Uint32Array, at: number): string {
  for (let i = 0; i < 4; i++) scratch[i] = words[at + i]!;
  return formatAddress(scratchBytes, 0);
}
