import { auth, type DseClientOptions, policies, types } from 'cassandra-driver';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { CassandraConfig } from '../config/cassandra.ts';
import { VedetteError } from '../model/errors.ts';
import { idempotentRetries, speculativeReads } from './request-policies.ts';

const CONSISTENCY = {
  LOCAL_QUORUM: types.consistencies.localQuorum,
  QUORUM: types.consistencies.quorum,
  ALL: types.consistencies.all,
  LOCAL_ONE: types.consistencies.localOne,
  ONE: types.consistencies.one,
} as const satisfies Record<CassandraConfig['consistency'], number>;

/** In the order in which the servers are asked to come back, ms. */
const RECONNECT_MS = { first: 250, most: 10_000 };

export function clientOptions(config: CassandraConfig, contactPoint: string): DseClientOptions {
  const password = passwordOf(config);
  return {
    applicationName: 'vedette',
    contactPoints: [contactPoint],
    localDataCenter: config.localDataCenter,
    ...(config.username !== undefined && {
      authProvider: new auth.PlainTextAuthProvider(config.username, password ?? ''),
    }),
    ...(config.tls !== undefined && { sslOptions: tlsOptions(config.tls) }),
    // 64-bit columns as BigInt: exact, and plain JavaScript.
    encoding: { useBigIntAsLong: true },
    queryOptions: {
      consistency: CONSISTENCY[config.consistency],
      serialConsistency: serialConsistency(config),
      prepare: true,
      fetchSize: config.pageRows,
      captureStackTrace: false,
    },
    socketOptions: { connectTimeout: config.connectTimeoutMs, readTimeout: config.requestTimeoutMs },
    policies: {
      retry: idempotentRetries(),
      speculativeExecution: speculativeReads(config.speculativeMs),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(RECONNECT_MS.first, RECONNECT_MS.most),
    },
  };
}

/** Level of the reads and rounds of compare-and-set. */
export function serialConsistency(config: Pick<CassandraConfig, 'serialConsistency'>): number {
  return config.serialConsistency === 'SERIAL' ? types.consistencies.serial : types.consistencies.localSerial;
}

function passwordOf({ username, passwordFile, passwordEnv }: CassandraConfig): string | undefined {
  if (passwordFile === undefined && passwordEnv === undefined) return undefined;
  if (username === undefined) throw invalid('a password needs a username');
  if (passwordEnv !== undefined) {
    const password = process.env[passwordEnv];
    if (password === undefined || password === '') throw invalid(`the environment has no ${passwordEnv}`);
    return password;
  }
  return readText(passwordFile!).split(/\r?\n/, 1)[0]!;
}

function tlsOptions(tls: NonNullable<CassandraConfig['tls']>): ConnectionOptions {
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.caFile !== undefined && { ca: readText(tls.caFile) }),
    ...(tls.certFile !== undefined && { cert: readText(tls.certFile) }),
    ...(tls.keyFile !== undefined && { key: readText(tls.keyFile) }),
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function invalid(message: string): VedetteError {
  return new VedetteError('CONFIG_INVALID', `cassandra: ${message}`);
}
