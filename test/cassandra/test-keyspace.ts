import { randomBytes } from 'node:crypto';
import { connectCassandra, type ConnectOptions } from '../../cassandra/connect.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import { type CassandraConfig, cassandraSchema } from '../../config/cassandra.ts';
import { serverVariable } from '../services/server-variable.ts';

const address = serverVariable('VEDETTE_CASSANDRA');

/** Whether there is a server to test with. */
export const hasCassandra = address !== undefined;

/** A configuration for the server that the environment names, with a keyspace of its own. */
export function testConfig(changes: Partial<CassandraConfig> = {}): CassandraConfig {
  return {
    ...cassandraSchema.parse({
      contactPoints: (address ?? '').split(','),
      localDataCenter: process.env['VEDETTE_CASSANDRA_DC'] ?? 'datacenter1',
      keyspace: `vt_${randomBytes(8).toString('hex')}`,
    }),
    ...changes,
  };
}

/** A keyspace with the whole schema: made once a file of tests, since that takes seconds. */
export interface TestKeyspace {
  readonly config: CassandraConfig;
  readonly session: CassandraSession;
  /** Another session on the same keyspace, as another process has it. */
  connect(options?: ConnectOptions): Promise<CassandraSession>;
  drop(): Promise<void>;
}

export async function createTestKeyspace(changes: Partial<CassandraConfig> = {}): Promise<TestKeyspace> {
  const config = testConfig(changes);
  const sessions: CassandraSession[] = [];
  const connect = async (options: ConnectOptions = {}): Promise<CassandraSession> => {
    const session = await connectCassandra(config, options);
    sessions.push(session);
    return session;
  };
  const session = await connect();
  return {
    config,
    session,
    connect,
    drop: async () => {
      await session.command(`DROP KEYSPACE IF EXISTS ${config.keyspace}`);
      for (const one of sessions) await one.close();
    },
  };
}
