import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../model/errors.ts';
import type { OlapClient } from './client.ts';
import { clickhouseCode } from './http-transport.ts';
import { events } from './migrations/0001-events.ts';
import { statistics } from './migrations/0002-statistics.ts';
import { features } from './migrations/0003-features.ts';
import { alerts } from './migrations/0004-alerts.ts';
import { tokens } from './migrations/0005-tokens.ts';
import type { Migration } from './migrations/migration.ts';
import { STORE_DATABASE, VIEW_DATABASE } from './schema/databases.ts';
import { EMBEDDED_LAYOUT, type StoreLayout } from './schema/layout.ts';
import { MIGRATIONS_TABLE, migrationsTableSql } from './schema/migrations-table.ts';
import { createDatabaseSql, createViewSql, engineSql, localTable, renderObject } from './schema/render.ts';
import { views } from './schema/views.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [events, statistics, features, alerts, tokens];

/**
 * What a statement meets where another process makes the same object at the same moment: it exists, is gone, or is
 * being replaced (table, database, replica, column); or its table is being changed.
 */
const RACE_CODES: ReadonlySet<number> = new Set([15, 44, 57, 60, 81, 82, 218, 253, 517]);
const RACE_TRIES = 10;
const RACE_PAUSE_MS = 50;

interface Applied {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
}

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** What the schema becomes on the server, or the servers. */
  readonly layout?: StoreLayout;
}

/**
 * Brings the schema to this program's version; nothing happens where it is there already. Views are made again each
 * time, since they hold no data. Several processes may do so at once.
 *
 * @returns the migrations that were applied now.
 * @throws VedetteError UNSUPPORTED where the schema is newer than the program, a migration was changed after it was
 * applied, or the store has another layout; and those of the client.
 */
export async function migrate(client: OlapClient, options: MigrateOptions = {}): Promise<number[]> {
  const { migrations = MIGRATIONS, layout = EMBEDDED_LAYOUT } = options;
  const run = (statement: string): Promise<void> => whileOthersDoTheSame(() => client.command(statement));
  await run(createDatabaseSql(STORE_DATABASE, layout));
  await run(createDatabaseSql(VIEW_DATABASE, layout));
  for (const statement of migrationsTableSql(layout)) await run(statement);
  const applied = await client.query<Applied>(`SELECT id, name, checksum FROM ${MIGRATIONS_TABLE} FINAL ORDER BY id`);
  refuseUnknown(applied, migrations);
  if (applied.length > 0) await refuseOtherLayout(client, layout);
  const done: number[] = [];
  for (const migration of migrations) {
    if (applied.some(({ id }) => id === migration.id)) continue;
    for (const object of migration.objects) {
      for (const statement of renderObject(object, layout)) await run(statement);
    }
    await client.command(
      `INSERT INTO ${MIGRATIONS_TABLE} (id, name, checksum) VALUES ({id:UInt32}, {name:String}, {sum:String})`,
      { id: migration.id, name: migration.name, sum: migrationChecksum(migration) },
      layout.sharding === 'distributed' ? { distributed_foreground_insert: 1 } : {},
    );
    done.push(migration.id);
  }
  await Promise.all(views().map((view) => run(createViewSql(view, layout))));
  return done;
}

/**
 * Number of the newest migration that was applied; 0 where there is no store yet. Changes nothing.
 *
 * @throws VedetteError UNSUPPORTED as {@link migrate}
 */
export async function readSchemaVersion(client: OlapClient): Promise<number> {
  const [table] = await client.query(
    "SELECT name FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'",
    { database: client.databases.store },
  );
  if (table === undefined) return 0;
  const applied = await client.query<Applied>(`SELECT id, name, checksum FROM ${MIGRATIONS_TABLE} FINAL ORDER BY id`);
  refuseUnknown(applied, MIGRATIONS);
  return Math.max(0, ...applied.map(({ id }) => id));
}

/** Of the statements on a single server, whatever the layout: a store's schema is the same in all of them. */
export function migrationChecksum({ objects }: Migration): string {
  const statements = objects.flatMap((object) => renderObject(object, EMBEDDED_LAYOUT));
  return createHash('sha256').update(statements.join(';\n')).digest('hex').slice(0, 32);
}

async function whileOthersDoTheSame(statement: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await statement();
      return;
    } catch (error) {
      if (tries === RACE_TRIES || !RACE_CODES.has(clickhouseCode(error) ?? 0)) throw error;
      await sleep(RACE_PAUSE_MS * tries);
    }
  }
}

/** IF NOT EXISTS would pass over tables that were made for one server, and leave them as they are. */
async function refuseOtherLayout(client: OlapClient, layout: StoreLayout): Promise<void> {
  const engines = await client.query<{ name: string; engine: string }>(
    "SELECT name, engine FROM system.tables WHERE database = {database:String} AND name IN ('events', 'events_local')",
    { database: client.databases.store },
  );
  const local = localTable('events', layout).split('.')[1];
  const due = engineSql('MergeTree', layout).split('(')[0];
  const found = engines.find(({ name }) => name === local)?.engine;
  if (found === due && engines.length === (layout.sharding === 'distributed' ? 2 : 1)) return;
  throw new VedetteError(
    'UNSUPPORTED',
    `the tables of ${client.databases.store} were made with other values of \`replicated\` and \`sharded\` (${engines
      .map(({ name, engine }) => `${name}: ${engine}`)
      .join(', ')}); set these back, or begin a new store with another \`databasePrefix\``,
  );
}

function refuseUnknown(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const { id, name, checksum: stored } of applied) {
    const known = migrations.find((migration) => migration.id === id);
    if (known === undefined) {
      throw new VedetteError(
        'UNSUPPORTED',
        `the store has schema ${id} (${name}), which is newer than this program; install a newer version`,
      );
    }
    if (migrationChecksum(known) !== stored) {
      throw new VedetteError('UNSUPPORTED', `migration ${id} (${name}) was changed after it was applied to this store`);
    }
  }
}
