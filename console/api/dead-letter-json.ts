import { z } from 'zod';
import type { DeadLetter, DeadLetterFilter } from '../../ingest/dead-letter.ts';
import { isoTime, shortText } from '../query-types.ts';

/** Characters of a record in a listing. */
const PREVIEW_CHARS = 240;

export const deadLetterItemSchema = z.object({
  id: z.int(),
  source: z.string(),
  position: z.number(),
  format: z.string(),
  reason: z.string(),
  received: z.iso.datetime().optional(),
  replayed: z.iso.datetime().optional(),
  size_bytes: z.int(),
  preview: z.string().describe('The beginning of the record, read as UTF-8'),
});

export const deadLetterSchema = deadLetterItemSchema.extend({
  text: z.string().describe('The record, read as UTF-8, as far as it was kept'),
  bytes_base64: z.string().describe('The record, byte for byte, as far as it was kept'),
  is_cut: z.boolean(),
});
export type DeadLetterItem = z.infer<typeof deadLetterItemSchema>;
export type DeadLetterDetail = z.infer<typeof deadLetterSchema>;

export function deadLetterItem(letter: DeadLetter): DeadLetterItem {
  const received = isoTime(letter.receivedMs);
  const replayed = isoTime(letter.replayedMs);
  return {
    id: letter.id,
    source: letter.source,
    position: letter.position,
    format: letter.format,
    reason: letter.reason,
    ...(received !== undefined && { received }),
    ...(replayed !== undefined && { replayed }),
    size_bytes: letter.sizeBytes,
    // UTF-8 takes at most 4 bytes a character.
    preview: textOf(letter.bytes.subarray(0, 4 * PREVIEW_CHARS)).slice(0, PREVIEW_CHARS),
  };
}

export function deadLetterDetail(letter: DeadLetter): DeadLetterDetail {
  return {
    ...deadLetterItem(letter),
    text: textOf(letter.bytes),
    bytes_base64: Buffer.from(letter.bytes).toString('base64'),
    is_cut: letter.bytes.length < letter.sizeBytes,
  };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export const filterFields = {
  reason: shortText.optional(),
  source: shortText.optional(),
  format: shortText.optional(),
};

/** The store's filter, without what is undefined. */
export function deadLetterFilter(fields: {
  readonly reason?: string | undefined;
  readonly source?: string | undefined;
  readonly format?: string | undefined;
  readonly pending?: boolean | undefined;
}): DeadLetterFilter {
  return {
    ...(fields.reason !== undefined && { reason: fields.reason }),
    ...(fields.source !== undefined && { source: fields.source }),
    ...(fields.format !== undefined && { format: fields.format }),
    ...(fields.pending && { pending: true }),
  };
}
