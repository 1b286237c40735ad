import type { ClickhouseConfig } from '../../config/clickhouse.ts';
import { connectClickhouse } from '../../olap/connect.ts';
import { MIGRATIONS, readSchemaVersion } from '../../olap/migrate.ts';
import { type CheckGroup, Lazy } from './check.ts';
import { clockFinding } from './clock.ts';
import { schemaFinding } from './schema-finding.ts';

const LEAST_FREE_SHARE = 0.1;

export function clickhouseChecks(config: ClickhouseConfig): CheckGroup {
  const client = new Lazy(() => connectClickhouse(config));
  return {
    server: 'clickhouse',
    first: {
      name: 'reachable',
      run: async () => {
        const [row] = await (
          await client.get()
        ).query<{ version: string; user: string }>('SELECT version() AS version, currentUser() AS user');
        return { level: 'ok', found: `ClickHouse ${row?.version} at ${config.url}, as ${row?.user}` };
      },
    },
    others: [
      {
        name: 'schema',
        run: async () => {
          return schemaFinding(await readSchemaVersion(await client.get()), MIGRATIONS.at(-1)?.id ?? 0);
        },
      },
      {
        name: 'clock',
        run: async () => {
          const connected = await client.get();
          return clockFinding(async () => {
            const [row] = await connected.query<{ at: number }>('SELECT toUnixTimestamp64Milli(now64(3)) AS at');
            return row?.at ?? 0;
          });
        },
      },
      {
        name: 'disk',
        run: async () => {
          const disks = await (
            await client.get()
          ).query<{ name: string; share: number }>(
            'SELECT name, if(total_space = 0, 1, free_space / total_space) AS share FROM system.disks ORDER BY share',
          );
          const fullest = disks[0];
          if (fullest === undefined) return { level: 'ok', found: 'no disk is told' };
          const found = `disk ${fullest.name} has ${Math.round(fullest.share * 100)} % free`;
          if (fullest.share >= LEAST_FREE_SHARE) return { level: 'ok', found };
          return {
            level: 'warn',
            found,
            advice: 'add space, or shorten olap.retentionDays: inserts fail on a full disk',
          };
        },
      },
      ...(config.cluster === undefined ? [] : [{ name: 'cluster', run: () => clusterFinding(config, client) }]),
    ],
    advice: {
      OLAP_UNAVAILABLE: 'start the server, or correct clickhouse.url',
      UNAUTHORIZED: 'correct clickhouse.username, and the password in clickhouse.passwordFile or passwordEnv',
      UNSUPPORTED: 'use the version that the message asks for',
      OLAP_REFUSED: 'give the user of clickhouse.username all rights on both databases, and SELECT on system.*',
      CONFIG_INVALID: 'correct the section `clickhouse`',
    },
    close: () => client.end((connected) => connected.close()),
  };
}

type Queries = Lazy<{ query<T>(sql: string, parameters?: Readonly<Record<string, unknown>>): Promise<T[]> }>;

async function clusterFinding(config: ClickhouseConfig, client: Queries) {
  const [row] = await (
    await client.get()
  ).query<{ shards: number; replicas: number }>(
    'SELECT uniqExact(shard_num) AS shards, count() AS replicas FROM system.clusters WHERE cluster = {cluster:String}',
    { cluster: config.cluster },
  );
  const found = `cluster ${config.cluster}: ${row?.shards ?? 0} shards, ${row?.replicas ?? 0} servers`;
  if ((row?.replicas ?? 0) > 0) return { level: 'ok' as const, found };
  return {
    level: 'fail' as const,
    found,
    advice: 'declare it in remote_servers on every server, or correct clickhouse.cluster',
  };
}
