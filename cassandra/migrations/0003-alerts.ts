import type { Migration } from './migration.ts';

/**
 * Alerts, what people did with them (every write a compare-and-set), and where they stand in listings.
 *
 * `alerts` and `alert_index` are written with an episode's revision as timestamp: whatever the order in which writes
 * arrive, the highest revision stays. `alert_index` has a partition a scope and day, with an hour's alerts side by
 * side: an episode that goes on moves once an hour, not with every pane.
 */
export const alerts: Migration = {
  id: 3,
  name: 'alerts',
  statements: [
    `CREATE TABLE IF NOT EXISTS KEYSPACE.alerts (uid text PRIMARY KEY, revision bigint, body text)`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.alert_triage (
  uid text PRIMARY KEY,
  version bigint,
  attempt text,
  body text
)`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.alert_index (
  scope text,
  day int,
  hour int,
  uid text,
  entry text,
  PRIMARY KEY ((scope, day), hour, uid)
) WITH CLUSTERING ORDER BY (hour DESC, uid ASC) AND gc_grace_seconds = 10800`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.alert_days (
  scope text,
  day int,
  stamps map<text, text>,
  summary text,
  PRIMARY KEY (scope, day)
) WITH CLUSTERING ORDER BY (day DESC)`,
    `CREATE TABLE IF NOT EXISTS KEYSPACE.outbox (
  name text,
  sequence bigint,
  lowest bigint static,
  body text,
  PRIMARY KEY (name, sequence)
) WITH gc_grace_seconds = 10800`,
  ],
};
