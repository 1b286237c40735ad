import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickhouseConfig } from '../../config/clickhouse.ts';
import { accessSql } from '../../olap/access/access-sql.ts';
import type { OlapClient } from '../../olap/client.ts';
import { connectClickhouse } from '../../olap/connect.ts';
import { migrate, MIGRATIONS } from '../../olap/migrate.ts';
import { applyRetention, RetentionSchema } from '../../olap/retention.ts';
import { EMBEDDED_LAYOUT, layoutOf } from '../../olap/schema/layout.ts';
import { migrationsTableSql } from '../../olap/schema/migrations-table.ts';
import { createDatabaseSql, createViewSql, renderObject } from '../../olap/schema/render.ts';
import { views } from '../../olap/schema/views.ts';
import { storageByTable } from '../../olap/storage.ts';
import { serverVariable } from '../services/server-variable.ts';
import { serverConfig } from './server-fixture.ts';

const url = serverVariable('VEDETTE_CLICKHOUSE');

describe.skipIf(url === undefined)('a ClickHouse server of one\u2019s own', () => {
  let config: ClickhouseConfig;
  let client: OlapClient;
  beforeAll(async () => {
    config = serverConfig(url ?? '');
    client = await connectClickhouse(config);
  });
  afterAll(async () => {
    await client.command('DROP DATABASE IF EXISTS vedette SYNC');
    await client.command('DROP DATABASE IF EXISTS vedette_store SYNC');
    await client.close();
  });

  it('takes the schema from eight processes that start at once', async () => {
    const layout = layoutOf(config);
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectClickhouse(config)));
    const done = await Promise.all(clients.map((each) => migrate(each, { layout })));
    expect(done.flat()).toEqual(expect.arrayContaining(MIGRATIONS.map(({ id }) => id)));
    expect(await migrate(client, { layout })).toEqual([]);
    const [found] = await client.query<{ rows: number }>(
      'SELECT count() AS rows FROM vedette_store.schema_migrations FINAL',
    );
    expect(found?.rows).toBe(MIGRATIONS.length);
    await Promise.all(clients.map((each) => each.close()));
  });

  it('keeps rows as configured, under the names of this installation', async () => {
    await applyRetention(client, RetentionSchema.parse({ events: 3 }), layoutOf(config));
    const text =
      'SELECT create_table_query AS sql FROM system.tables WHERE database = {store:String} AND name = {name:String}';
    const [row] = await client.query<{ sql: string }>(text, { store: client.databases.store, name: 'events' });
    expect(row?.sql).toContain('TTL _stored + toIntervalDay(3)');
    expect((await storageByTable(client)).map(({ table }) => table)).toContain('events');
  });

  it('refuses to go on with tables that were made for another layout', async () => {
    const layout = { ...EMBEDDED_LAYOUT, sharding: 'distributed' } as const;
    await expect(migrate(client, { layout })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  it('can read every statement of every layout, and of the access', async () => {
    for (const more of [
      {},
      { cluster: 'c', replicated: true },
      { cluster: 'c', sharded: true },
      { cluster: 'c', replicated: true, sharded: true },
    ]) {
      const each = serverConfig(url ?? '', {
        ...more,
        analysts: { users: [{ name: 'ada', passwordSha256: createHash('sha256').update('x').digest('hex') }] },
      });
      const layout = layoutOf(each);
      const statements = [
        createDatabaseSql('vedette', layout),
        ...migrationsTableSql(layout),
        ...MIGRATIONS.flatMap(({ objects }) => objects.flatMap((object) => renderObject(object, layout))),
        ...renderObject({ kind: 'column', table: 'events', column: 'added UInt8' }, layout),
        ...views().map((view) => createViewSql(view, layout)),
        ...accessSql(each),
      ];
      for (const statement of statements) {
        const [row] = await client.query<{ text: string }>('SELECT formatQuery({sql:String}) AS text', {
          sql: statement,
        });
        expect(row?.text).not.toBe('');
      }
    }
  });

  it('says in one error that user or password are wrong', async () => {
    const wrong = { ...config, username: 'nobody', passwordEnv: undefined };
    await expect(connectClickhouse(wrong)).rejects.toMatchObject({ code: 'UNAUTHORIZED', retry: false });
  });

  it('is OLAP_UNAVAILABLE where nobody listens, and where nobody answers', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const away = (port: number) =>
      connectClickhouse({ ...config, url: `http://127.0.0.1:${port}`, connectTimeoutMs: 300 });
    await expect(away(port)).rejects.toMatchObject({ code: 'OLAP_UNAVAILABLE', retry: true });
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => silent.close(() => resolve()));
    await expect(away(1)).rejects.toMatchObject({ code: 'OLAP_UNAVAILABLE', retry: true });
  });
});
