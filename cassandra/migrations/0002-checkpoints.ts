import type { Migration } from './migration.ts';

/**
 * Checkpoints: who holds a key and what its newest checkpoints are (every write a compare-and-set); immutable chunks, a
 * partition each, so that one that is deleted is never in the way of one that is read; and which writes were begun, to
 * find what nobody lists.
 *
 * Chunks come compressed. What is deleted is not needed again, even where a server that was away brings it back: so its
 * marks are kept for hours, not days.
 */
export const checkpoints: Migration = {
  id: 2,
  name: 'checkpoints',
  statements: [
    `CREATE TABLE IF NOT EXISTS KEYSPACE.checkpoint_manifests (
  key text PRIMARY KEY,
  epoch bigint,
  sequence bigint,
  attempt text,
  committed_ms bigint,
  newest text,
  previous text
)`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.checkpoint_chunks (
  key text,
  epoch bigint,
  sequence bigint,
  number int,
  data blob,
  PRIMARY KEY ((key, epoch, sequence, number))
) WITH compression = {'enabled': false} AND gc_grace_seconds = 10800`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.checkpoint_writes (
  key text,
  epoch bigint,
  sequence bigint,
  begun_ms bigint,
  chunks int,
  manifest_chunks int,
  PRIMARY KEY (key, epoch, sequence)
) WITH gc_grace_seconds = 10800`,
  ],
};
