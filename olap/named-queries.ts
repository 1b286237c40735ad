import { z } from 'zod';
import { VedetteError } from '../model/errors.ts';
import type { OlapClient } from './client.ts';
import { ALERT_QUERIES } from './queries/alerts.ts';
import { ARRIVAL_QUERIES } from './queries/arrival.ts';
import { READING_QUERIES } from './queries/readings.ts';
import { TRAFFIC_QUERIES } from './queries/traffic.ts';
import type { NamedQuery } from './queries/named-query.ts';

/** The ready queries, in the order in which they are listed. */
export const NAMED_QUERIES: readonly NamedQuery[] = [
  ...TRAFFIC_QUERIES,
  ...READING_QUERIES,
  ...ALERT_QUERIES,
  ...ARRIVAL_QUERIES,
];

function findNamedQuery(name: string): NamedQuery {
  const query = NAMED_QUERIES.find((candidate) => candidate.name === name);
  if (query === undefined) {
    const names = NAMED_QUERIES.map((candidate) => candidate.name).join(', ');
    throw new VedetteError('NOT_FOUND', `there is no query ${name}; there are ${names}`);
  }
  return query;
}

/**
 * Runs a ready query. `input`: its parameters as text or values, as they come from a command line or a form.
 *
 * @throws VedetteError NOT_FOUND, BAD_REQUEST (names the parameter), and those of the client.
 */
export async function runNamedQuery(
  client: OlapClient,
  name: string,
  input: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>[]> {
  const query = findNamedQuery(name);
  const parsed = query.parameters.safeParse(input);
  if (!parsed.success) {
    throw new VedetteError('BAD_REQUEST', `query ${name}: ${z.prettifyError(parsed.error)}`);
  }
  return client.query(query.sql, parsed.data);
}
