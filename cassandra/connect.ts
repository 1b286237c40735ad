import { Client } from 'cassandra-driver';
import type { CassandraConfig } from '../config/cassandra.ts';
import { VedetteError } from '../model/errors.ts';
import { clientOptions, serialConsistency } from './client-options.ts';
import { ensureKeyspace } from './keyspace.ts';
import { migrate } from './migrate.ts';
import { isAway, storeError } from './server-error.ts';
import { CassandraSession } from './session.ts';

/** The oldest server that has what the statements here use. */
const OLDEST_MAJOR = 4;

export interface ConnectOptions {
  /** What an operator should know and that goes on by itself: servers that left or came back, another replication. */
  readonly onNotice?: (message: string) => void;
  /** `prepare`: makes the keyspace and brings its schema up to date. `leave`: changes nothing; for a look at it. */
  readonly schema?: 'prepare' | 'leave';
}

/**
 * Connects once, without waiting for servers that are away.
 *
 * @throws VedetteError STORE_UNAVAILABLE (nobody answers), UNAUTHORIZED (user or password), CONFIG_INVALID (unknown data
 * centre, files that cannot be read), UNSUPPORTED (schema newer than the program, or servers too old).
 */
export async function connectCassandra(
  config: CassandraConfig,
  options: ConnectOptions = {},
): Promise<CassandraSession> {
  const { onNotice = () => undefined, schema = 'prepare' } = options;
  const client = await firstConnected(config);
  client.on('hostDown', (host: { address: string }) => onNotice(`Cassandra server ${host.address} is away`));
  client.on('hostUp', (host: { address: string }) => onNotice(`Cassandra server ${host.address} is back`));
  const session = new CassandraSession(client, {
    keyspace: config.keyspace,
    serialConsistency: serialConsistency(config),
    patienceMs: config.patienceMs,
  });
  try {
    refuseOld(client);
    if (schema === 'prepare') {
      await ensureKeyspace(session, config, onNotice);
      await migrate(session);
    }
  } catch (error) {
    await session.close();
    throw storeError(error);
  }
  return session;
}

/** One contact point after the other; the first that answers tells of all other servers. */
async function firstConnected(config: CassandraConfig): Promise<Client> {
  const reasons: string[] = [];
  for (const contactPoint of config.contactPoints) {
    const client = new Client(clientOptions(config, contactPoint));
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.shutdown();
      closeForgotten(client);
      const failure = storeError(error);
      if (!isAway(failure)) throw failure;
      reasons.push(failure.message);
    }
  }
  throw new VedetteError('STORE_UNAVAILABLE', reasons.join('; '));
}

/**
 * Where the driver (4.10) reached a server and then failed to learn about the others, it forgets the connection without
 * closing it, and its socket would keep this process alive.
 */
function closeForgotten(client: Client): void {
  const { controlConnection } = client as unknown as {
    controlConnection?: { connection?: { close?: () => void } | null };
  };
  controlConnection?.connection?.close?.();
}

function refuseOld(client: Client): void {
  for (const host of client.hosts.values()) {
    const major = Number(host.cassandraVersion.split('.', 1)[0]);
    if (major < OLDEST_MAJOR) {
      throw new VedetteError(
        'UNSUPPORTED',
        `Cassandra ${host.cassandraVersion} at ${host.address} is too old; ${OLDEST_MAJOR}.0 or newer is needed`,
      );
    }
  }
}
