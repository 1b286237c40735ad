import { formatAddressWords } from './address-text.ts';
import type { EntityContext } from './detector.ts';

/** What a detector may know of a host. Its address becomes text only where a detector asks: most say nothing. */
export class AddressContext implements EntityContext {
  readonly group: string;
  private readonly words: Uint32Array;
  private readonly at: number;

  constructor(words: Uint32Array, at: number, group: string) {
    this.words = words;
    this.at = at;
    this.group = group;
  }

  get entity(): string {
    return formatAddressWords(this.words, this.at);
  }
}
