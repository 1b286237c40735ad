import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { VedetteError } from '../model/errors.ts';
import { readTables } from './keyspace.ts';
import { positions } from './migrations/0001-positions.ts';
import { checkpoints } from './migrations/0002-checkpoints.ts';
import { alerts } from './migrations/0003-alerts.ts';
import { ingest } from './migrations/0004-ingest.ts';
import { headers } from './migrations/0005-headers.ts';
import type { Migration } from './migrations/migration.ts';
import { numberAt, textAt } from './row.ts';
import type { CassandraSession } from './session.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [positions, checkpoints, alerts, ingest, headers];

const TABLE = 'schema_migrations';
/** The row that whoever changes the schema holds; steps are numbered from 1. */
const LOCK_ID = 0;
/** A holder that died is taken over from after so long, s. Well above what one step takes. */
const LOCK_SECONDS = 60;
const LOCK_POLL_MS = 250;
const LOCK_WAIT_MS = 180_000;
const TABLE_WAIT_MS = 10_000;

interface Applied {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Brings the keyspace to this program's schema; nothing happens where it is there already. Several processes may do so
 * at once: one works, the others wait for it.
 *
 * @returns the migrations that were applied now.
 * @throws VedetteError UNSUPPORTED where the schema is newer than the program, or a migration was changed after it was
 * applied; STORE_UNAVAILABLE where another process holds the schema for too long.
 */
export async function migrate(
  session: CassandraSession,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<number[]> {
  await ensureTable(session);
  if (missing(await readApplied(session), migrations).length === 0) return [];
  const lock = await SchemaLock.take(session);
  try {
    const done: number[] = [];
    // Read again: whoever held the lock before has done what was missing.
    for (const migration of missing(await readApplied(session), migrations)) {
      for (const statement of migration.statements) {
        await lock.renew();
        await session.command(statement.replaceAll('KEYSPACE', session.keyspace));
      }
      await record(session, migration);
      done.push(migration.id);
    }
    return done;
  } finally {
    await lock.release();
  }
}

/** Version of the schema: the number of its newest migration; 0 where there is none. */
export async function readSchemaVersion(session: CassandraSession): Promise<number> {
  if (!(await readTables(session)).includes(TABLE)) return 0;
  return Math.max(0, ...(await readApplied(session)).map(({ id }) => id));
}

/** Throws UNSUPPORTED where the schema is not one that this program knows. */
function missing(applied: readonly Applied[], migrations: readonly Migration[]): Migration[] {
  for (const { id, name, checksum: stored } of applied) {
    const known = migrations.find((migration) => migration.id === id);
    if (!known) {
      throw new VedetteError(
        'UNSUPPORTED',
        `Cassandra has schema ${id} (${name}), which is newer than this program; install a newer version`,
      );
    }
    if (checksum(known) !== stored)
      throw new VedetteError(
        'UNSUPPORTED',
        `migration ${id} (${name}) was changed after it was applied to this keyspace`,
      );
  }
  return migrations.filter(({ id }) => !applied.some((one) => one.id === id));
}

async function ensureTable(session: CassandraSession): Promise<void> {
  if ((await readTables(session)).includes(TABLE)) return;
  // The id is given: two servers that are asked at the same time make the same table, not two of one name.
  await session.command(`CREATE TABLE IF NOT EXISTS ${session.keyspace}.${TABLE} (
  id int PRIMARY KEY, name text, checksum text, attempt text, applied_ms bigint
) WITH ID = ${tableId(session.keyspace)}`);
}

/**
 * A table that is being made by another process is listed a moment before it can be read, and servers learn of it one
 * after the other.
 */
async function readApplied(session: CassandraSession): Promise<Applied[]> {
  const until = Date.now() + TABLE_WAIT_MS;
  for (;;) {
    try {
      return await readRows(session);
    } catch (error) {
      const isMissing = error instanceof VedetteError && error.code === 'UNSUPPORTED';
      if (!isMissing || Date.now() > until) throw error;
      await pause(LOCK_POLL_MS);
    }
  }
}

async function readRows(session: CassandraSession): Promise<Applied[]> {
  const applied: Applied[] = [];
  // One row a migration and the lock: the whole table is small.
  for await (const row of session.rows(`SELECT id, name, checksum FROM ${session.keyspace}.${TABLE}`, [])) {
    if (numberAt(row, 'id') === LOCK_ID) continue;
    applied.push({ id: numberAt(row, 'id'), name: textAt(row, 'name'), checksum: textAt(row, 'checksum') });
  }
  return applied.sort((a, b) => a.id - b.id);
}

async function record(session: CassandraSession, migration: Migration): Promise<void> {
  await session.change({
    query: `INSERT INTO ${session.keyspace}.${TABLE} (id, name, checksum, attempt, applied_ms) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS`,
    parameters: (attempt) => [migration.id, migration.name, checksum(migration), attempt, BigInt(Date.now())],
    readBack: readRow(session, migration.id),
  });
}

function readRow(session: CassandraSession, id: number) {
  return { query: `SELECT name, attempt FROM ${session.keyspace}.${TABLE} WHERE id = ?`, parameters: [id] };
}

/** Held by one process at a time; expires where that process dies. */
class SchemaLock {
  private readonly session: CassandraSession;
  private readonly holder: string;

  private constructor(session: CassandraSession, holder: string) {
    this.session = session;
    this.holder = holder;
  }

  static async take(session: CassandraSession): Promise<SchemaLock> {
    const holder = `${hostname()} ${process.pid} ${randomUUID()}`;
    const until = Date.now() + LOCK_WAIT_MS;
    for (;;) {
      const taken = await session.change({
        query: `INSERT INTO ${session.keyspace}.${TABLE} (id, name, attempt) VALUES (?, ?, ?) IF NOT EXISTS USING TTL ${LOCK_SECONDS}`,
        parameters: (attempt) => [LOCK_ID, holder, attempt],
        readBack: readRow(session, LOCK_ID),
      });
      if (taken.isApplied) return new SchemaLock(session, holder);
      if (Date.now() > until) {
        const other = taken.row ? textAt(taken.row, 'name') : 'another process';
        throw new VedetteError('STORE_UNAVAILABLE', `${other} has been changing the schema for too long`);
      }
      await pause(LOCK_POLL_MS);
    }
  }

  async renew(): Promise<void> {
    const renewed = await this.session.change({
      query: `UPDATE ${this.session.keyspace}.${TABLE} USING TTL ${LOCK_SECONDS} SET name = ?, attempt = ? WHERE id = ? IF name = ?`,
      parameters: (attempt) => [this.holder, attempt, LOCK_ID, this.holder],
      readBack: readRow(this.session, LOCK_ID),
    });
    if (!renewed.isApplied) {
      throw new VedetteError('LOCKED', 'another process took over the change of the schema: this one was too slow');
    }
  }

  async release(): Promise<void> {
    await this.session.change({
      query: `DELETE FROM ${this.session.keyspace}.${TABLE} WHERE id = ? IF name = ?`,
      parameters: () => [LOCK_ID, this.holder],
      readBack: readRow(this.session, LOCK_ID),
    });
  }
}

function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.statements.join(';\n')).digest('hex').slice(0, 32);
}

/** A version 5 UUID in shape: the same for the same keyspace. */
function tableId(keyspace: string): string {
  const hex = createHash('sha256').update(`vedette ${keyspace}.${TABLE}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
