import type { NetworkSet } from '../model/address.ts';

const scratch = new Uint32Array(4);
const scratchBytes = new Uint8Array(scratch.buffer);

/** Gives the first group that holds the address whose four words start at `at`; '' where none does. */
export function hostGroups(
  groups: readonly { readonly name: string; readonly networks: NetworkSet }[],
): (words: Uint32Array, at: number) => string {
  if (groups.length === 0) return () => '';
  return (words, at) => {
    for (let i = 0; i < 4; i++) scratch[i] = words[at + i]!;
    return groups.find(({ networks }) => networks.contains(scratchBytes, 0))?.name ?? '';
  };
}
