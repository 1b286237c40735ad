import { readReplication, type Replication } from './keyspace.ts';
import { MIGRATIONS, readSchemaVersion } from './migrate.ts';
import { numberAt, textAt } from './row.ts';
import type { CassandraSession } from './session.ts';

export interface CassandraServer {
  readonly address: string;
  readonly dataCenter: string;
  readonly rack: string;
  readonly version: string;
  readonly isUp: boolean;
}

/** What `doctor` has to know of a cluster. */
export interface CassandraDescription {
  readonly clusterName: string;
  readonly servers: readonly CassandraServer[];
  /** Undefined: the keyspace is missing. */
  readonly replication?: Replication;
  /** Of the keyspace; 0: nothing there yet. */
  readonly schemaVersion: number;
  /** That this program brings. */
  readonly programVersion: number;
  /** A server's clock less ours, ms; within half of `roundTripMs` it may as well be 0. */
  readonly clockSkewMs: number;
  readonly roundTripMs: number;
}

export async function describeCassandra(session: CassandraSession): Promise<CassandraDescription> {
  const local = await session.one('SELECT cluster_name FROM system.local', []);
  const { skewMs, roundTripMs } = await readClock(session);
  const replication = await readReplication(session);
  return {
    clusterName: local ? textAt(local, 'cluster_name') : '',
    servers: session.servers(),
    ...(replication && { replication }),
    schemaVersion: replication ? await readSchemaVersion(session) : 0,
    programVersion: Math.max(...MIGRATIONS.map(({ id }) => id)),
    clockSkewMs: skewMs,
    roundTripMs,
  };
}

/** The best of a few questions: the shortest says most about the clock. */
async function readClock(session: CassandraSession): Promise<{ skewMs: number; roundTripMs: number }> {
  let best = { skewMs: 0, roundTripMs: Infinity };
  for (let i = 0; i < 3; i++) {
    const sent = Date.now();
    const row = await session.one('SELECT toUnixTimestamp(now()) AS now FROM system.local', []);
    const roundTripMs = Date.now() - sent;
    if (row && roundTripMs < best.roundTripMs)
      best = { skewMs: numberAt(row, 'now') - (sent + roundTripMs / 2), roundTripMs };
  }
  return best;
}
