/** What is written into a line anew each time; everything else of it stays. */
const SLOTS = [
  'seconds',
  'micros',
  'uid',
  'origHost',
  'origPort',
  'respHost',
  'duration',
  'origBytes',
  'respBytes',
  'origPackets',
  'respPackets',
] as const;
export type Slot = (typeof SLOTS)[number];

/** Fixed text, or a slot with as many characters as it takes. */
export type Part = string | { readonly slot: Slot; readonly width: number };

/** The bytes of a line with gaps at fixed places, so that making a line is one copy and a few digits. */
export interface LineTemplate {
  readonly bytes: Uint8Array;
  /** Place of each slot in `bytes` and its width, by slot. */
  readonly at: Readonly<Record<Slot, number>>;
  readonly width: Readonly<Record<Slot, number>>;
}

/** @throws RangeError where a slot is missing or stands twice. */
export function lineTemplate(parts: readonly Part[]): LineTemplate {
  const at: Partial<Record<Slot, number>> = {};
  const width: Partial<Record<Slot, number>> = {};
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    if (at[part.slot] !== undefined) throw new RangeError(`slot ${part.slot} stands twice`);
    at[part.slot] = text.length;
    width[part.slot] = part.width;
    text += '0'.repeat(part.width);
  }
  if (!isComplete(at) || !isComplete(width)) throw new RangeError('a slot is missing');
  return { bytes: Buffer.from(text, 'latin1'), at, width };
}

function isComplete(record: Partial<Record<Slot, number>>): record is Record<Slot, number> {
  return SLOTS.every((slot) => record[slot] !== undefined);
}
