import { PANE_MS } from '../time.ts';

/**
 * How a slot lies in an entity's row between two steps, in 32 bits: `float` as float32 (what was learnt: a relative
 * error of 6·10⁻⁸ a step), `count` as a whole number up to 2³² − 1, where it stops, `time` as a pane: ms since 1970, a
 * multiple of the pane, 0 where there is none.
 */
export type SlotKind = 'float' | 'count' | 'time';

const FLOAT = 0;
const COUNT = 1;
const TIME = 2;
const CODES = { float: FLOAT, count: COUNT, time: TIME } as const;
const MOST = 0xffffffff;

const asFloat = new Float32Array(1);
const asBits = new Uint32Array(asFloat.buffer);

/** Slots named in their order: where each lies, and what kind it is. */
export function layOut<Name extends string>(
  kinds: Readonly<Record<Name, SlotKind>>,
): { at: Readonly<Record<Name, number>>; kinds: readonly SlotKind[] } {
  const names = Object.keys(kinds) as Name[];
  return {
    at: Object.fromEntries(names.map((name, i) => [name, i])) as Record<Name, number>,
    kinds: names.map((name) => kinds[name]),
  };
}

/**
 * The slots of one detector in rows of a table: 4 bytes each, where the steps work on float64. There are a million rows
 * and one step at a time, so a step's slots are unpacked into {@link values}, and packed again behind it.
 */
export class PackedSlots {
  /** What {@link load} read and {@link store} writes. */
  readonly values: Float64Array;
  private readonly codes: Uint8Array;

  constructor(kinds: readonly SlotKind[]) {
    this.values = new Float64Array(kinds.length);
    this.codes = Uint8Array.from(kinds, (kind) => CODES[kind]);
  }

  /** u32 words in a row. */
  get words(): number {
    return this.codes.length;
  }

  load(row: Uint32Array, at: number): void {
    const { codes, values } = this;
    for (let i = 0; i < codes.length; i++) {
      const word = row[at + i]!;
      if (codes[i] === FLOAT) {
        asBits[0] = word;
        values[i] = asFloat[0]!;
      } else values[i] = codes[i] === TIME ? word * PANE_MS : word;
    }
  }

  store(row: Uint32Array, at: number): void {
    const { codes, values } = this;
    for (let i = 0; i < codes.length; i++) {
      const value = values[i]!;
      if (codes[i] === FLOAT) {
        asFloat[0] = value;
        row[at + i] = asBits[0]!;
      } else row[at + i] = Math.min(MOST, codes[i] === TIME ? value / PANE_MS : value);
    }
  }
}
