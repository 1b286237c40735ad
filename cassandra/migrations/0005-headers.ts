import type { Migration } from './migration.ts';

/** What the lines of a source are read with, by the position of the first of them. Rows go by their time to live. */
export const headers: Migration = {
  id: 5,
  name: 'headers',
  statements: [
    `CREATE TABLE IF NOT EXISTS KEYSPACE.source_headers (
  source text,
  position bigint,
  format text,
  state text,
  PRIMARY KEY ((source), position)
)`,
  ],
};
