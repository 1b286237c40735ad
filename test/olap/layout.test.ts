import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clickhouseSchema } from '../../config/clickhouse.ts';
import { accessSql } from '../../olap/access/access-sql.ts';
import { accessXml } from '../../olap/access/access-xml.ts';
import { withDatabasePrefix } from '../../olap/database-names.ts';
import { migrationChecksum, MIGRATIONS } from '../../olap/migrate.ts';
import { EMBEDDED_LAYOUT, layoutOf } from '../../olap/schema/layout.ts';
import { migrationsTableSql } from '../../olap/schema/migrations-table.ts';
import { createDatabaseSql, createViewSql, renderObject } from '../../olap/schema/render.ts';
import { views } from '../../olap/schema/views.ts';

const LAYOUTS = {
  single: {},
  replicated: { cluster: 'vedette', replicated: true },
  sharded: { cluster: 'vedette', sharded: true },
  'replicated-sharded': { cluster: 'vedette', replicated: true, sharded: true },
};

function schemaSql(name: keyof typeof LAYOUTS): string[] {
  const layout = layoutOf(clickhouseSchema.parse(LAYOUTS[name]));
  return [
    createDatabaseSql('vedette_store', layout),
    createDatabaseSql('vedette', layout),
    ...migrationsTableSql(layout),
    ...MIGRATIONS.flatMap(({ objects }) => objects.flatMap((object) => renderObject(object, layout))),
    ...views().map((view) => createViewSql(view, layout)),
  ];
}

describe('the schema of the embedded form', () => {
  it('has the statements that were released, by their checksums', () => {
    expect(MIGRATIONS.map(({ id, ...rest }) => [id, migrationChecksum({ id, ...rest })])).toEqual([
      [1, 'ddd409551f3100e90fb1bbf1cbc381fc'],
      [2, 'c7776eac22d0f45aa7d8cb55669f24b8'],
      [3, '6931eb1cb6048ffc65cbe438d42232b0'],
      [4, 'f755b7f3429510f3dc20429fe0b62dbe'],
      [5, '1ba062a1e1a52c096ddb1b4ae1877eae'],
    ]);
  });

  it('lets views run as who asks', () => {
    expect(views().every((view) => !createViewSql(view, EMBEDDED_LAYOUT).includes('DEFINER'))).toBe(true);
  });
});

describe.each(Object.keys(LAYOUTS) as (keyof typeof LAYOUTS)[])('the schema of a server, %s', (name) => {
  const { cluster, replicated, sharded } = { cluster: undefined, replicated: false, sharded: false, ...LAYOUTS[name] };
  const statements = schemaSql(name);
  const tables = statements.filter((text) => text.startsWith('CREATE TABLE'));
  const holding = tables.filter((text) => text.includes('MergeTree'));

  it('has the text of the golden file', async () => {
    await expect(statements.map((text) => `${text};\n`).join('\n')).toMatchFileSnapshot(`golden/schema-${name}.sql`);
  });

  it('runs every statement on the cluster, or none', () => {
    const due = cluster === undefined ? 0 : statements.length;
    expect(statements.filter((text) => text.includes(' ON CLUSTER vedette')).length).toBe(due);
  });

  it('remembers insert tokens in every table, targets of views included, as its engine does', () => {
    for (const text of holding.filter((each) => !each.includes('schema_migrations'))) {
      expect(text.includes(' Replicated')).toBe(replicated);
      expect(text).toMatch(
        replicated
          ? / replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800/
          : / non_replicated_deduplication_window = 1000/,
      );
    }
    for (const [, target] of statements.join('\n').matchAll(/MATERIALIZED VIEW .* TO (\S+) AS/g)) {
      expect(holding.some((text) => text.startsWith(`CREATE TABLE IF NOT EXISTS ${target} `))).toBe(true);
    }
  });

  it('fills local tables from local tables, and reads all shards in its views', () => {
    const filling = statements.filter((text) => text.startsWith('CREATE MATERIALIZED VIEW'));
    expect(filling.length).toBe(7);
    for (const text of filling) {
      for (const [table] of text.matchAll(/(?<=(?:TO|FROM) )vedette_store\.\w+/g)) {
        expect(table.endsWith('_local')).toBe(sharded);
      }
    }
    for (const text of statements.filter((each) => each.startsWith('CREATE OR REPLACE VIEW'))) {
      expect(text).not.toContain('_local');
      expect(text).toContain('DEFINER = CURRENT_USER SQL SECURITY DEFINER');
    }
  });

  it('has a Distributed table for each local one, and shards by the entity wherever rows replace others', () => {
    const local = holding.filter((text) => /^CREATE TABLE IF NOT EXISTS \S+_local /.test(text));
    const distributed = tables.filter((text) => text.includes('Distributed('));
    expect(distributed.length).toBe(local.length);
    for (const text of sharded ? holding.filter((each) => each.includes('ReplacingMergeTree')) : []) {
      const [, table, columns] = /EXISTS vedette_store\.(\w+)_local[\s\S]*ORDER BY \((.*), time\)/.exec(text) ?? [];
      if (table === undefined) continue;
      expect(statements.join('\n')).toContain(`${table}_local, cityHash64(${columns}))`);
    }
  });
});

describe('the configuration of a server', () => {
  it.each([
    [{ replicated: true }, /need the name of a cluster/],
    [{ cluster: 'c' }, /and a cluster one of them/],
    [{ cluster: 'c', replicated: true, sharded: true, replicaPath: '/t/{uuid}' }, /needs \{shard\}/],
    [{ passwordFile: 'a', passwordEnv: 'b' }, /one of passwordFile and passwordEnv/],
    [{ url: 'http://user:secret@host:8123' }, /without user or password/],
    [{ clutser: 'c' }, /clutser/],
  ])('refuses %j', (value, message) => {
    expect(() => clickhouseSchema.parse(value)).toThrow(message);
  });
});

describe('the prefix of the databases', () => {
  it.each([
    ['SELECT * FROM vedette.events', 'SELECT * FROM p_vedette.events'],
    ['INSERT INTO vedette_store.events FORMAT Native', 'INSERT INTO p_vedette_store.events FORMAT Native'],
    [
      'CREATE DATABASE IF NOT EXISTS vedette ENGINE = Atomic',
      'CREATE DATABASE IF NOT EXISTS p_vedette ENGINE = Atomic',
    ],
    ['Distributed(vedette, vedette_store, x)', 'Distributed(vedette, p_vedette_store, x)'],
    ["SELECT 'vedette.events', x.vedette.y -- vedette.z", "SELECT 'vedette.events', x.vedette.y -- vedette.z"],
    ["SELECT 'it\\'s vedette.x' FROM vedette.y", "SELECT 'it\\'s vedette.x' FROM p_vedette.y"],
    ['SELECT ON CLUSTER vedette', 'SELECT ON CLUSTER vedette'],
  ])('%s', (sql, expected) => {
    expect(withDatabasePrefix(sql, 'p_')).toBe(expected);
    expect(withDatabasePrefix(sql, '')).toBe(sql);
  });
});

describe('access of analysts', () => {
  const config = clickhouseSchema.parse({
    cluster: 'vedette',
    replicated: true,
    databasePrefix: 'blue_',
    analysts: { users: [{ name: 'ada', passwordSha256: '0'.repeat(63) + '1', networks: ['10.0.0.0/8'] }] },
  });

  it('has the statements of the golden file', async () => {
    await expect(
      accessSql(config)
        .map((text) => `${text};\n`)
        .join('\n'),
    ).toMatchFileSnapshot('golden/access.sql');
  });

  it('has the users file of the golden file', async () => {
    await expect(accessXml(config)).toMatchFileSnapshot('golden/access.xml');
  });

  it('is in deploy/ as the defaults are', () => {
    expect(readFileSync('deploy/clickhouse/analysts.xml', 'utf8')).toBe(accessXml(clickhouseSchema.parse({})));
  });

  it('never has a limit that is none', () => {
    const open = clickhouseSchema.parse({
      analysts: { maxSeconds: 0, quota: { queries: 0, readRows: 0, executionSeconds: 0 } },
    });
    expect(accessSql(open).join('\n')).not.toMatch(/max_execution_time|queries =/);
    expect(accessSql(open).join('\n')).toContain('TRACKING ONLY');
  });
});
