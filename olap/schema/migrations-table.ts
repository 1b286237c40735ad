import { STORE_DATABASE } from './databases.ts';
import type { StoreLayout } from './layout.ts';
import { engineSql, localTable, onCluster } from './render.ts';

const NAME = 'schema_migrations';

/** Which migrations were applied. */
export const MIGRATIONS_TABLE = `${STORE_DATABASE}.${NAME}`;

/** The statements that make it. It is the same on every server, whichever of them is asked. */
export function migrationsTableSql(layout: StoreLayout): string[] {
  const { cluster, replication, sharding } = layout;
  const create = (table: string, of: StoreLayout): string => `CREATE TABLE IF NOT EXISTS ${table}${onCluster(of)} (
  id UInt32, name String, checksum String, applied_time DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ${engineSql('ReplacingMergeTree', of)} ORDER BY id`;
  if (replication !== undefined) {
    // One path for all shards, on which every server is a replica.
    const path = replication.path.replaceAll('{shard}', 'all');
    const replica = sharding === 'distributed' ? `{shard}-${replication.replica}` : replication.replica;
    return [create(MIGRATIONS_TABLE, { ...layout, replication: { ...replication, path, replica } })];
  }
  if (sharding === 'none' || cluster === undefined) return [create(MIGRATIONS_TABLE, layout)];
  const local = localTable(NAME, layout);
  return [
    create(local, layout),
    `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE}${onCluster(layout)} AS ${local}
ENGINE = Distributed(${cluster}, ${STORE_DATABASE}, ${NAME}_local, id)`,
  ];
}
