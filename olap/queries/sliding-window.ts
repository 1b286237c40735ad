import { z } from 'zod';
import { durationMs, range } from './named-query.ts';

/** Most points of one answer. */
const MAX_POINTS = 20_000;

/** Parameters of a sliding window of any length: a point every `step_ms` from `from` to `to`, both included. */
export function slidingParameters(subject: Readonly<Record<string, z.ZodType>>): z.ZodObject {
  return z
    .strictObject({ ...SLIDING, ...subject })
    .refine((values) => isWithinLimit(z.object(SLIDING_VALUES).parse(values)), {
      message: `from must not be after to, and there may be at most ${MAX_POINTS} steps between them`,
      path: ['step_ms'],
    });
}

const SLIDING = { ...range, window_ms: durationMs, step_ms: durationMs };
const SLIDING_VALUES = { from: z.number(), to: z.number(), step_ms: z.number() };

function isWithinLimit(values: { from: number; to: number; step_ms: number }): boolean {
  return values.to >= values.from && (values.to - values.from) / values.step_ms < MAX_POINTS;
}

/**
 * Statistics over a sliding window: at each point t, of the rows with t − window_ms ≤ time < t.
 *
 * Rows are first summed into slots as wide as the greatest common divisor of window and step, so that every window is
 * a whole number of slots and the result is exact; then each point takes the slots before it.
 *
 * `source`: rows with `time`, filtered by `where`. `slots`: `aggregate AS name` of what a slot holds; `empty`: the same
 * of no rows, in order. `outputs`: `expression AS name` over the window `w`.
 */
export function slidingSql(query: {
  source: string;
  where: string;
  slots: readonly string[];
  empty: readonly string[];
  outputs: readonly string[];
}): string {
  return `SELECT fromUnixTimestamp64Milli(at_ms, 'UTC') AS time, * EXCEPT (at_ms, is_point) FROM (
  SELECT at_ms, is_point, ${query.outputs.join(', ')}
  FROM (
    SELECT {from:Int64} + intDiv(toUnixTimestamp64Milli(time) - {from:Int64} + {window_ms:Int64},
        gcd({window_ms:Int64}, {step_ms:Int64})) * gcd({window_ms:Int64}, {step_ms:Int64}) - {window_ms:Int64} AS at_ms,
      0 AS is_point, ${query.slots.join(', ')}
    FROM ${query.source}
    WHERE ${query.where}
      AND time >= fromUnixTimestamp64Milli({from:Int64} - {window_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    GROUP BY at_ms
    UNION ALL
    SELECT {from:Int64} + number * {step_ms:Int64} AS at_ms, 1 AS is_point, ${query.empty.join(', ')}
    FROM numbers(toUInt64(intDiv({to:Int64} - {from:Int64}, {step_ms:Int64}) + 1))
  )
  WINDOW w AS (ORDER BY at_ms RANGE BETWEEN {window_ms:Int64} PRECEDING AND 1 PRECEDING)
)
WHERE is_point = 1 ORDER BY at_ms`;
}
