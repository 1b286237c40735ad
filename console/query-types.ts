import { z } from 'zod';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** A moment as people write it, resolved against the clock: ms since 1970. */
export type Moment = (nowMs: number) => number;

/** `24h`, `7d`, `90m`: so long ago. ISO 8601: then, in UTC where no zone is given. */
export const moment = z
  .string()
  .max(64)
  .transform((text, context): Moment => {
    const found = parseMoment(text.trim());
    if (found !== undefined) return found;
    context.addIssue({
      code: 'custom',
      message: 'not a time: write how long ago (90m, 24h, 7d) or ISO 8601 (2026-11-20T08:00:00Z)',
    });
    return z.NEVER;
  })
  .describe('How long ago (90m, 24h, 7d), or ISO 8601, UTC where no zone is given');

function parseMoment(text: string): Moment | undefined {
  const ago = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text);
  if (ago) {
    const agoMs = Number(ago[1]) * UNIT_MS[ago[2]!]!;
    return (nowMs) => nowMs - agoMs;
  }
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.test(text)) return undefined;
  const hasZone = text.length === 10 || /(Z|[+-]\d{2}:?\d{2})$/i.test(text.slice(10));
  const atMs = Date.parse(text.replace(' ', 'T') + (hasZone ? '' : 'Z'));
  return Number.isNaN(atMs) ? undefined : () => atMs;
}

export const flag = z.enum(['true', 'false'], { error: 'write true or false' }).transform((text) => text === 'true');

/** Rows of a page. */
export function pageLimit(fallback: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,6}$/, `write a whole number from 1 to ${most}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= most, `write a whole number from 1 to ${most}`)
    .default(fallback)
    .describe(`Rows of a page, 1 to ${most}; ${fallback} unless told`);
}

export const cursor = z.string().min(1).max(1024).describe('`next` of the page before; opaque');
export const shortText = z.string().min(1).max(512);

/** ISO 8601 in UTC with milliseconds; out of the calendar's range: undefined. */
export function isoTime(atMs: number | undefined): string | undefined {
  if (atMs === undefined || !(Math.abs(atMs) <= 8.64e15)) return undefined;
  return new Date(atMs).toISOString();
}
