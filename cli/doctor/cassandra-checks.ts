import { connectCassandra } from '../../cassandra/connect.ts';
import { readReplication, replicationOf } from '../../cassandra/keyspace.ts';
import { MIGRATIONS, readSchemaVersion } from '../../cassandra/migrate.ts';
import type { CassandraConfig } from '../../config/cassandra.ts';
import { type CheckGroup, Lazy } from './check.ts';
import { clockFinding } from './clock.ts';
import { schemaFinding } from './schema-finding.ts';

export function cassandraChecks(config: CassandraConfig): CheckGroup {
  const session = new Lazy(() => connectCassandra({ ...config, patienceMs: 0 }, { schema: 'leave' }));
  return {
    server: 'cassandra',
    first: {
      name: 'reachable',
      run: async () => {
        const row = await (await session.get()).one('SELECT release_version, data_center FROM system.local', []);
        return {
          level: 'ok',
          found: `Cassandra ${String(row?.['release_version'])} in ${String(row?.['data_center'])}, ${config.contactPoints.join(', ')}`,
        };
      },
    },
    others: [
      {
        name: 'keyspace',
        run: async () => {
          const found = await readReplication(await session.get());
          const wanted = replicationOf(config);
          if (found === undefined) {
            const advice = '`vedette run` makes it at its first start; the user needs the right to';
            return { level: 'warn', found: `no keyspace ${config.keyspace} yet`, advice };
          }
          const text = `keyspace ${config.keyspace}, ${describe(found)}`;
          if (describe(found) !== describe(wanted)) {
            const advice = `the configuration says ${describe(wanted)}: ALTER KEYSPACE and repair, or correct cassandra.replication`;
            return { level: 'warn', found: text, advice };
          }
          if (hasFewCopies(config)) {
            return {
              level: 'warn',
              found: text,
              advice: 'with fewer than 3 copies a lost server stops all, or loses data',
            };
          }
          return { level: 'ok', found: text };
        },
      },
      {
        name: 'commit log',
        run: async () => {
          const connected = await session.get();
          const row = await connected.one("SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'", []);
          const found = `commitlog_sync ${String(row?.['value'])}`;
          if (!hasFewCopies(config) || row?.['value'] !== 'periodic') return { level: 'ok', found };
          const advice =
            'a server that is killed forgets what it acknowledged last: set commitlog_sync: batch in cassandra.yaml, ' +
            'as docker-compose.yml does, or keep 3 copies';
          return { level: 'warn', found, advice };
        },
      },
      {
        name: 'schema',
        run: async () => {
          return schemaFinding(await readSchemaVersion(await session.get()), MIGRATIONS.at(-1)?.id ?? 0);
        },
      },
      {
        name: 'clock',
        run: async () => {
          const connected = await session.get();
          return clockFinding(async () => {
            const row = await connected.one('SELECT toUnixTimestamp(now()) AS at FROM system.local', []);
            return Number(row?.['at']);
          });
        },
      },
    ],
    advice: {
      STORE_UNAVAILABLE: 'start the servers, or correct cassandra.contactPoints',
      UNAUTHORIZED: 'correct cassandra.username, and the password in cassandra.passwordFile or passwordEnv',
      UNSUPPORTED: 'use the version that the message asks for',
      CONFIG_INVALID: 'correct the section `cassandra`, its localDataCenter above all',
    },
    close: () => session.end((connected) => connected.close()),
  };
}

function hasFewCopies(config: CassandraConfig): boolean {
  const copies = Object.entries(replicationOf(config)).filter(([name]) => name !== 'class');
  return copies.every(([, count]) => Number(count) < 3);
}

function describe(replication: Readonly<Record<string, string>>): string {
  return Object.entries(replication)
    .map(([name, value]) => `${name} ${value}`)
    .sort()
    .join(', ');
}
