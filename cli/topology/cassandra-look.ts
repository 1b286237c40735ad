import { connectCassandra } from '../../cassandra/connect.ts';
import { readTables } from '../../cassandra/keyspace.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { CassandraConfig } from '../../config/cassandra.ts';
import { type CheckpointStatus, listCassandraCheckpoints } from '../../featurestore/cassandra/checkpoint-list.ts';
import { listCassandraPositions, type PositionStatus } from '../../log/cassandra/position-list.ts';
import { VedetteError } from '../../model/errors.ts';

/** Asks the servers, and makes nothing. Errors: as of the session; NOT_FOUND: the keyspace or its tables are not there. */
export class CassandraLook {
  private readonly session: CassandraSession;

  private constructor(session: CassandraSession) {
    this.session = session;
  }

  static async open(config: CassandraConfig): Promise<CassandraLook> {
    const session = await connectCassandra({ ...config, patienceMs: 0 }, { schema: 'leave' });
    try {
      const tables = await readTables(session);
      if (tables.includes('positions') && tables.includes('checkpoint_manifests')) return new CassandraLook(session);
      throw new VedetteError('NOT_FOUND', `the keyspace ${config.keyspace} is not there yet, or has no tables`);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  positions(): Promise<PositionStatus[]> {
    return listCassandraPositions(this.session);
  }

  async checkpoints(): Promise<Map<string, CheckpointStatus>> {
    return new Map((await listCassandraCheckpoints(this.session)).map((status) => [status.key, status]));
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
