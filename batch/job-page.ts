import { VedetteError } from '../model/errors.ts';
import type { JobRecord } from './job-queue.ts';

/** One page of jobs, latest added first. Errors: BAD_REQUEST (a cursor that is none). */
export function pageOf(
  jobs: readonly JobRecord[],
  page: { readonly limit: number; readonly cursor?: string },
): { jobs: readonly JobRecord[]; next?: string } {
  const after = page.cursor === undefined ? undefined : placeOf(page.cursor);
  const rest = [...jobs].sort(compare).filter((job) => after === undefined || compare(after, job) < 0);
  const shown = rest.slice(0, page.limit);
  const last = shown.at(-1);
  return { jobs: shown, ...(last && rest.length > shown.length && { next: `${last.addedMs}.${last.id}` }) };
}

type Place = Pick<JobRecord, 'addedMs' | 'id'>;

function compare(a: Place, b: Place): number {
  return b.addedMs - a.addedMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function placeOf(cursor: string): Place {
  const [, addedMs, id] = /^(\d{1,15})\.(.+)$/s.exec(cursor) ?? [];
  if (addedMs === undefined || id === undefined)
    throw new VedetteError('BAD_REQUEST', 'cursor: not one that this server gave');
  return { addedMs: Number(addedMs), id };
}
