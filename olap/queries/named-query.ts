import { isIP } from 'node:net';
import { z } from 'zod';

/** A ready query. Its parameters are bound by the server as `{name:Type}`, never put into the text. */
export interface NamedQuery {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Strict: an unknown parameter is an error that names it. */
  readonly parameters: z.ZodObject;
  readonly sql: string;
}

/** A moment: ISO 8601 (UTC where no zone is given), or milliseconds since 1970. Becomes milliseconds. */
export const moment = z
  .union([z.number().int(), z.string().trim().min(1)])
  .transform((value, context) => {
    const at = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : parseIso(value);
    if (Number.isSafeInteger(at)) return at;
    context.addIssue({ code: 'custom', message: 'not a time; write 2026-11-20T08:00:00Z or milliseconds since 1970' });
    return z.NEVER;
  })
  .describe('ISO 8601, UTC where no zone is given, or milliseconds since 1970');

/** An IPv4 or IPv6 address. */
export const address = z
  .string()
  .trim()
  .refine((value) => isIP(value) !== 0, 'not an IPv4 or IPv6 address')
  .describe('IPv4 or IPv6 address');

export const durationMs = z.coerce
  .number()
  .int()
  .min(1)
  .max(366 * 86_400_000)
  .describe('milliseconds');

export const rowLimit = z.coerce.number().int().min(1).max(10_000).default(100).describe('rows, at most 10000');

/** From (inclusive) and to (exclusive). */
export const range = { from: moment, to: moment };

/** The predicate of {@link range} on a time column. */
export const IN_RANGE = `time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')`;

function parseIso(text: string): number {
  const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text);
  const iso = text.replace(' ', 'T');
  return Date.parse(hasZone || /^\d{4}-\d{2}-\d{2}$/.test(iso) ? iso : `${iso}Z`);
}
