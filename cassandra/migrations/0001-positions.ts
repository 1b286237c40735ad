import type { Migration } from './migration.ts';

/** Where groups go on in the log. Every write is a compare-and-set. */
export const positions: Migration = {
  id: 1,
  name: 'positions',
  statements: [
    `CREATE TABLE IF NOT EXISTS KEYSPACE.positions (
  log_group text,
  topic text,
  partition int,
  epoch bigint,
  sequence bigint,
  attempt text,
  next_offset bigint,
  metadata text,
  PRIMARY KEY ((log_group, topic, partition))
)`,
  ],
};
