import type { Random } from './random.ts';

/**
 * Draws ranks 0 … size − 1 with probability ∝ 1 / (rank + 1)^exponent in constant time (alias method).
 *
 * Source: M. D. Vose, "A Linear Algorithm for Generating Random Numbers with a Given Distribution", IEEE TSE 17 (1991).
 */
export class Zipf {
  readonly #keep: Uint32Array;
  readonly #alias: Uint32Array;

  constructor(size: number, exponent: number) {
    const weights = Float64Array.from({ length: size }, (_, rank) => (rank + 1) ** -exponent);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#keep = new Uint32Array(size).fill(0xffffffff);
    this.#alias = Uint32Array.from({ length: size }, (_, rank) => rank);
    const small: number[] = [];
    const large: number[] = [];
    weights.forEach((weight, rank) => {
      weights[rank] = (weight * size) / total;
      (weights[rank] < 1 ? small : large).push(rank);
    });
    for (let low = small.pop(), high = large.pop(); low !== undefined && high !== undefined; low = small.pop()) {
      this.#keep[low] = Math.min(0xffffffff, Math.floor(weights[low]! * 4294967296));
      this.#alias[low] = high;
      weights[high] = weights[high]! - (1 - weights[low]!);
      if (weights[high]! < 1) {
        small.push(high);
        high = large.pop();
      }
    }
  }

  draw(random: Random): number {
    const slot = Math.floor(random.unit() * this.#keep.length);
    return random.uint32() <= this.#keep[slot]! ? slot : this.#alias[slot]!;
  }
}
