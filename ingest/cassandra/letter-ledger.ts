import { z } from 'zod';

/** Letters that lie together, and are dropped together. */
const segmentSchema = z.strictObject({
  /** Id of its first letter; all below the next segment's first belong to it. */
  first: z.number(),
  bytes: z.number(),
  byReason: z.record(z.string(), z.number()),
});

type Segment = z.output<typeof segmentSchema>;

const ledgerSchema = z.strictObject({
  nextId: z.number(),
  /** Oldest first. */
  segments: z.array(segmentSchema),
});

/** What a store of dead letters keeps, and which ids are given: one small value, changed by compare-and-set. */
export type Ledger = z.output<typeof ledgerSchema>;

export const EMPTY_LEDGER: Ledger = { nextId: 1, segments: [] };

/** A letter as the ledger counts it. */
export interface Counted {
  readonly reason: string;
  readonly bytes: number;
}

/** Of a store's limit, what one segment holds: the oldest that go at a time. */
const SEGMENTS = 16;
/** Letters of a segment, whatever their size. */
const MOST_LETTERS = 20_000;

export function parseLedger(text: string): Ledger {
  return ledgerSchema.parse(JSON.parse(text));
}

/** First id of the segment that an id belongs to; undefined where that was dropped, or was never given. */
export function segmentOf({ nextId, segments }: Ledger, id: number): number | undefined {
  if (id >= nextId) return undefined;
  return segments.findLast(({ first }) => first <= id)?.first;
}

/** Counts letters that take the place of others, and gives ids to new ones; then drops the oldest that are too much. */
export function enterLetters(
  ledger: Ledger,
  letters: { replaced: readonly { id: number; before: Counted; after: Counted }[]; added: readonly Counted[] },
  maxBytes: number,
): { ledger: Ledger; ids: number[]; dropped: number[]; droppedLetters: number } {
  const segments: Segment[] = ledger.segments.map((one) => ({ ...one, byReason: { ...one.byReason } }));
  for (const { id, before, after } of letters.replaced) {
    const segment = segments.findLast(({ first }) => first <= id);
    if (!segment) continue;
    count(segment, before, -1);
    count(segment, after, 1);
  }
  let { nextId } = ledger;
  const ids = letters.added.map((letter) => {
    let segment = segments.at(-1);
    if (!segment || segment.bytes >= maxBytes / SEGMENTS || nextId - segment.first >= MOST_LETTERS) {
      segment = { first: nextId, bytes: 0, byReason: {} };
      segments.push(segment);
    }
    count(segment, letter, 1);
    return nextId++;
  });
  const dropped: number[] = [];
  let droppedLetters = 0;
  let keptBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  while (keptBytes > maxBytes && segments.length > 0) {
    const oldest = segments.shift()!;
    keptBytes -= oldest.bytes;
    droppedLetters += Object.values(oldest.byReason).reduce((sum, some) => sum + some, 0);
    dropped.push(oldest.first);
  }
  return { ledger: { nextId, segments }, ids, dropped, droppedLetters };
}

/** Letters that are kept, by reason. */
export function countsOf({ segments }: Ledger): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { byReason } of segments)
    for (const [reason, some] of Object.entries(byReason)) counts.set(reason, (counts.get(reason) ?? 0) + some);
  return Object.fromEntries(counts);
}

function count(segment: Segment, { reason, bytes }: Counted, sign: 1 | -1): void {
  segment.bytes += sign * bytes;
  const left = (segment.byReason[reason] ?? 0) + sign;
  if (left > 0) segment.byReason[reason] = left;
  else Reflect.deleteProperty(segment.byReason, reason);
}
