import { z } from 'zod';
import { VedetteError } from '../model/errors.ts';

/** First and last offset of the block of records that an insert was begun for. */
export interface Intent {
  readonly first: number;
  readonly last: number;
}

const Note = z.strictObject({
  v: z.literal(1),
  intent: z.strictObject({ first: z.number().int(), last: z.number().int() }).optional(),
  high: z.array(z.tuple([z.string(), z.number()])),
});

/**
 * The highest position stored of each source, in the order of their last rows in the log. Bounded: beyond `maxSources`
 * the source that has been quiet longest is forgotten, so the map is a function of the log alone, and the same after a
 * replay. A forgotten source's duplicates would be stored again.
 */
export class HighWater {
  readonly #maxSources: number;
  readonly #high: Map<string, number>;

  constructor(maxSources: number, entries: Iterable<readonly [string, number]> = []) {
    this.#maxSources = maxSources;
    this.#high = new Map(entries);
  }

  get(source: string): number | undefined {
    return this.#high.get(source);
  }

  raise(source: string, position: number): void {
    const known = this.#high.get(source);
    this.#high.delete(source);
    this.#high.set(source, known === undefined ? position : Math.max(known, position));
    if (this.#high.size <= this.#maxSources) return;
    const oldest = this.#high.keys().next();
    if (oldest.done !== true) this.#high.delete(oldest.value);
  }

  copy(): HighWater {
    return new HighWater(this.#maxSources, this.#high);
  }

  /** The note that is committed beside an offset: the map before the intended block, so that it can be made again. */
  note(intent?: Intent): string {
    return JSON.stringify({ v: 1, ...(intent && { intent }), high: [...this.#high] });
  }
}

/** Reads a committed note. @throws VedetteError CHECKPOINT_CORRUPT where it isn't one of the sink's. */
export function parseNote(metadata: string, maxSources: number): { intent: Intent | undefined; high: HighWater } {
  let value: unknown;
  try {
    value = JSON.parse(metadata);
  } catch (error) {
    throw new VedetteError('CHECKPOINT_CORRUPT', "the sink's committed note is not JSON", { cause: error });
  }
  const parsed = Note.safeParse(value);
  if (!parsed.success)
    throw new VedetteError('CHECKPOINT_CORRUPT', `the sink's committed note: ${parsed.error.message}`);
  return { intent: parsed.data.intent, high: new HighWater(maxSources, parsed.data.high) };
}
