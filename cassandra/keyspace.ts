import type { CassandraConfig } from '../config/cassandra.ts';
import { type Row, textAt } from './row.ts';
import type { CassandraSession } from './session.ts';

/** Copies by data centre, or `replication_factor`, as Cassandra writes them. */
export type Replication = Readonly<Record<string, string>>;

/** Makes the keyspace where it is missing. One that is there stays as it is: its copies would have to be repaired. */
export async function ensureKeyspace(
  session: CassandraSession,
  config: CassandraConfig,
  onNotice: (message: string) => void,
): Promise<void> {
  const wanted = replicationOf(config);
  const found = await readReplication(session);
  if (found === undefined) {
    const options = Object.entries(wanted).map(([name, value]) => `'${name}': '${value}'`);
    await session.command(
      `CREATE KEYSPACE IF NOT EXISTS ${session.keyspace} WITH replication = {${options.join(', ')}}`,
    );
    return;
  }
  if (!isSame(found, wanted)) {
    onNotice(
      `keyspace ${session.keyspace} has replication ${describe(found)}, the configuration says ${describe(wanted)}; ` +
        'it is left as it is: change it with ALTER KEYSPACE and repair',
    );
  }
}

/** Replication of the session's keyspace; undefined where there is none. */
export async function readReplication(session: CassandraSession): Promise<Replication | undefined> {
  const row = await session.one('SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?', [
    session.keyspace,
  ]);
  if (!row) return undefined;
  const { class: strategy, ...rest } = row['replication'] as Record<string, string>;
  return { class: strategy!.slice(strategy!.lastIndexOf('.') + 1), ...rest };
}

export function replicationOf({ replication, localDataCenter }: CassandraConfig): Replication {
  const { strategy, factor, dataCenters } = replication;
  if (strategy === 'SimpleStrategy') return { class: strategy, replication_factor: String(factor) };
  const others = Object.entries(dataCenters).map(([name, copies]) => [name, String(copies)]);
  return { class: strategy, [localDataCenter]: String(factor), ...(Object.fromEntries(others) as Replication) };
}

function isSame(a: Replication, b: Replication): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}

function describe(replication: Replication): string {
  return Object.entries(replication)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** Names of the tables that a keyspace has. */
export async function readTables(session: CassandraSession): Promise<string[]> {
  const names: string[] = [];
  const rows = session.rows('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [session.keyspace]);
  for await (const row of rows as AsyncIterable<Row>) names.push(textAt(row, 'table_name'));
  return names;
}
