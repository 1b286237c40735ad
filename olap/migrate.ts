import { createHash } from 'node:crypto';
import { VedetteError } from '../model/errors.ts';
import type { OlapClient } from './client.ts';
import { events } from './migrations/0001-events.ts';
import { statistics } from './migrations/0002-statistics.ts';
import { features } from './migrations/0003-features.ts';
import { alerts } from './migrations/0004-alerts.ts';
import type { Migration } from './migrations/migration.ts';
import { STORE_DATABASE, VIEW_DATABASE } from './schema/databases.ts';
import { createViewSql, views } from './schema/views.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [events, statistics, features, alerts];

const TABLE = `${STORE_DATABASE}.schema_migrations`;

interface Applied {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Brings the schema to this program's version; nothing happens where it is there already. Views are made again each
 * time, since they hold no data.
 *
 * @returns the migrations that were applied now.
 * @throws VedetteError UNSUPPORTED where the schema is newer than the program, or a migration was changed after it was
 * applied.
 */
export async function migrate(client: OlapClient, migrations: readonly Migration[] = MIGRATIONS): Promise<number[]> {
  await client.command(`CREATE DATABASE IF NOT EXISTS ${STORE_DATABASE} ENGINE = Atomic`);
  await client.command(`CREATE DATABASE IF NOT EXISTS ${VIEW_DATABASE} ENGINE = Atomic`);
  await client.command(`CREATE TABLE IF NOT EXISTS ${TABLE} (
  id UInt32, name String, checksum String, applied_time DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree ORDER BY id`);
  const applied = await client.query<Applied>(`SELECT id, name, checksum FROM ${TABLE} FINAL ORDER BY id`);
  refuseUnknown(applied, migrations);
  const done: number[] = [];
  for (const migration of migrations) {
    if (applied.some(({ id }) => id === migration.id)) continue;
    for (const statement of migration.statements) await client.command(statement);
    await client.command(
      `INSERT INTO ${TABLE} (id, name, checksum) VALUES ({id:UInt32}, {name:String}, {sum:String})`,
      {
        id: migration.id,
        name: migration.name,
        sum: checksum(migration),
      },
    );
    done.push(migration.id);
  }
  await Promise.all(views().map((view) => client.command(createViewSql(view))));
  return done;
}

function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.statements.join(';\n')).digest('hex').slice(0, 32);
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
    if (checksum(known) !== stored) {
      throw new VedetteError('UNSUPPORTED', `migration ${id} (${name}) was changed after it was applied to this store`);
    }
  }
}
