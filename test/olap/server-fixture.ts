import { randomBytes } from 'node:crypto';
import { type ClickhouseConfig, clickhouseSchema } from '../../config/clickhouse.ts';
import { connectClickhouse } from '../../olap/connect.ts';
import { migrate } from '../../olap/migrate.ts';
import { layoutOf } from '../../olap/schema/layout.ts';
import { startProxy } from '../../services/fault-proxy.ts';
import type { TestStore } from './store-fixture.ts';

const INTERRUPTION_MS = 300;

/** The section `clickhouse` for a server of the tests, with databases that nobody else uses. */
export function serverConfig(url: string, more: Readonly<Record<string, unknown>> = {}): ClickhouseConfig {
  const user = process.env['VEDETTE_CLICKHOUSE_USER'];
  return clickhouseSchema.parse({
    url,
    databasePrefix: `t${randomBytes(5).toString('hex')}_`,
    ...(user !== undefined && { username: user, passwordEnv: 'VEDETTE_CLICKHOUSE_PASSWORD' }),
    ...more,
  });
}

/** A store on a server that was there before, behind a proxy; close() drops its databases. */
export async function openServerStore(url: string): Promise<TestStore> {
  const proxy = await startProxy({ target: new URL(url).host });
  const config = serverConfig(`http://${proxy.address}`);
  const client = await connectClickhouse(config);
  await migrate(client, { layout: layoutOf(config) });
  return {
    client,
    interrupt: () => {
      proxy.cut('refused');
      setTimeout(() => proxy.restore(), INTERRUPTION_MS);
    },
    close: async () => {
      await client.command('DROP DATABASE IF EXISTS vedette SYNC');
      await client.command('DROP DATABASE IF EXISTS vedette_store SYNC');
      await client.close();
      await proxy.close();
    },
  };
}
