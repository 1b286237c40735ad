import { z } from 'zod';
import { VedetteError } from '../../model/errors.ts';
import type { JsonObject } from '../job-queue.ts';

/** A job's data, checked: what was stored by another version may be of another form. Errors: BAD_REQUEST. */
export function parseJob<S extends z.ZodType>(schema: S, data: JsonObject): z.output<S> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new VedetteError('BAD_REQUEST', `the job's data: ${z.prettifyError(parsed.error)}`);
}
