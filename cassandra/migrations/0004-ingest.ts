import type { Migration } from './migration.ts';

/**
 * Dead letters: `dead_letter_stores` says which ids are given and what is kept (every write a compare-and-set); letters
 * lie in segments, which are dropped whole. `dead_letter_places` is written with a letter's id as timestamp.
 */
export const ingest: Migration = {
  id: 4,
  name: 'ingest',
  statements: [
    `CREATE TABLE IF NOT EXISTS KEYSPACE.dead_letter_stores (
  store text PRIMARY KEY,
  version bigint,
  attempt text,
  body text
)`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.dead_letters (
  store text,
  segment bigint,
  id bigint,
  source text,
  position bigint,
  format text,
  reason text,
  received_ms bigint,
  size_bytes bigint,
  decoder_state text,
  replayed_ms bigint,
  bytes blob,
  PRIMARY KEY ((store, segment), id)
) WITH CLUSTERING ORDER BY (id DESC) AND gc_grace_seconds = 10800`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.dead_letter_places (
  store text,
  source text,
  position bigint,
  id bigint,
  PRIMARY KEY ((store, source, position))
) WITH gc_grace_seconds = 10800`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.source_states (name text PRIMARY KEY, state text)`,
  ],
};
