import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_COLUMNS } from '../../model/event-columns.ts';
import { migrate, MIGRATIONS } from '../../olap/migrate.ts';
import { applyRetention, RetentionSchema } from '../../olap/retention.ts';
import { storageByTable } from '../../olap/storage.ts';
import { openStore, type TestStore } from './store-fixture.ts';

describe('the schema', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await openStore({ migrated: false });
  });
  afterAll(() => store.close());

  it('is made by the migrations in order, and a step cut short is done again', async () => {
    const wrong = { kind: 'column', table: 'events', column: 'wrong NoSuchType' } as const;
    const cut = { ...MIGRATIONS[1]!, objects: [...MIGRATIONS[1]!.objects.slice(0, 3), wrong] };
    await expect(migrate(store.client, { migrations: [MIGRATIONS[0]!, cut] })).rejects.toMatchObject({
      code: 'OLAP_REFUSED',
    });
    expect(await migrate(store.client)).toEqual(MIGRATIONS.slice(1).map(({ id }) => id));
    expect(await migrate(store.client)).toEqual([]);
  });

  it('has every column of an event, in the table and in the view', async () => {
    for (const database of ['vedette_store', 'vedette']) {
      const text = "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = 'events'";
      const columns = await store.client.query<{ name: string; type: string }>(text, { database });
      for (const { name, type } of EVENT_COLUMNS) expect(columns).toContainEqual({ name, type });
    }
  });

  it('remembers tokens in every table', async () => {
    const text = `SELECT name FROM system.tables WHERE database = 'vedette_store' AND engine LIKE '%MergeTree'
      AND name != 'schema_migrations' AND create_table_query NOT LIKE '%non_replicated_deduplication_window = 10000%'`;
    expect(await store.client.query(text)).toEqual([]);
  });

  it('shows no aggregate state in a view', async () => {
    const text =
      "SELECT table, name FROM system.columns WHERE database = 'vedette' AND type LIKE '%AggregateFunction%'";
    expect(await store.client.query(text)).toEqual([]);
  });

  it('keeps rows as long as the configuration says', async () => {
    const ttl = async (table: string): Promise<string | undefined> => {
      const text =
        "SELECT create_table_query AS sql FROM system.tables WHERE database = 'vedette_store' AND name = {table:String}";
      const [row] = await store.client.query<{ sql: string }>(text, { table });
      return /TTL ([^\n]*?) SETTINGS/.exec(row?.sql ?? '')?.[1];
    };
    await applyRetention(store.client, RetentionSchema.parse({}));
    expect(await ttl('events')).toBe('_stored + toIntervalDay(30)');
    await applyRetention(store.client, RetentionSchema.parse({ events: 'forever', hours: 7 }));
    expect([await ttl('events'), await ttl('net_1h')]).toEqual([undefined, '_stored + toIntervalDay(7)']);
  });

  it('tells rows and bytes of each table', async () => {
    const tables = await storageByTable(store.client);
    expect(tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['events', 'net_1m', 'alerts']));
    expect(tables.find(({ table }) => table === 'schema_migrations')).toMatchObject({ rows: MIGRATIONS.length });
  });

  it('that is newer than the program is refused', async () => {
    await expect(migrate(store.client, { migrations: MIGRATIONS.slice(0, 2) })).rejects.toThrow(
      /newer than this program/,
    );
  });

  it('that was changed after it was applied is refused', async () => {
    const changed = MIGRATIONS.map((each) => (each.id === 2 ? { ...each, objects: [] } : each));
    await expect(migrate(store.client, { migrations: changed })).rejects.toThrow(/changed after it was applied/);
  });
});
