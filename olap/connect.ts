import { readFileSync } from 'node:fs';
import type { ClickhouseConfig } from '../config/clickhouse.ts';
import { VedetteError } from '../model/errors.ts';
import { INSERT_SETTINGS, OlapClient, type OlapClientOptions, type OlapEndpoint } from './client.ts';
import type { OlapSettings, OlapTls } from './http-transport.ts';

/** The oldest version whose views drop the same insert token together with the table. */
const OLDEST = { year: 24, month: 8 };

/**
 * A client of the server, or the cluster, that the configuration names. It is asked once, within `connectTimeoutMs`.
 *
 * @throws VedetteError OLAP_UNAVAILABLE (no answer), UNAUTHORIZED (user or password), UNSUPPORTED (too old),
 * CONFIG_INVALID (no such file or variable).
 */
export async function connectClickhouse(config: ClickhouseConfig): Promise<OlapClient> {
  const options = clientOptions(config);
  const probe = new OlapClient({ ...options, timeoutMs: config.connectTimeoutMs });
  try {
    return new OlapClient({ ...options, insertSettings: await insertSettings(probe, config) });
  } finally {
    await probe.close();
  }
}

/** Where the server answers, and as whom. Errors: CONFIG_INVALID. */
export function endpointOf(config: ClickhouseConfig): OlapEndpoint {
  const { origin, pathname } = new URL(config.url);
  const password = passwordOf(config);
  return {
    url: origin,
    ...(pathname !== '/' && { pathname }),
    username: config.username,
    ...(password !== undefined && { password }),
  };
}

/** Certificates of the configuration. Errors: CONFIG_INVALID. */
export function tlsOf({ tls }: ClickhouseConfig): OlapTls {
  return {
    ...(tls.caFile !== undefined && { ca: readText(tls.caFile) }),
    ...(tls.certFile !== undefined && { cert: readText(tls.certFile) }),
    ...(tls.keyFile !== undefined && { key: readText(tls.keyFile) }),
  };
}

/** Options of a client that was not asked yet. Errors: CONFIG_INVALID. */
function clientOptions(config: ClickhouseConfig): OlapClientOptions {
  const endpoint = endpointOf(config);
  return {
    endpoint: () => endpoint,
    timeoutMs: config.requestTimeoutMs,
    maxConnections: config.maxConnections,
    tls: tlsOf(config),
    databasePrefix: config.databasePrefix,
  };
}

/** Versions have their own ways to say that a token drops an insert; all of them wait for every shard. */
async function insertSettings(client: OlapClient, { sharded }: ClickhouseConfig): Promise<OlapSettings> {
  const [server] = await client.query<{ version: string; decides: number }>(
    `SELECT version() AS version,
  (SELECT count() FROM system.settings WHERE name = 'deduplicate_insert') AS decides`,
  );
  const version = server?.version ?? '';
  const [year = 0, month = 0] = version.split('.').map(Number);
  if (year < OLDEST.year || (year === OLDEST.year && month < OLDEST.month)) {
    throw new VedetteError(
      'UNSUPPORTED',
      `ClickHouse ${version} is too old: ${OLDEST.year}.${OLDEST.month} or newer is needed`,
    );
  }
  const { deduplicate_insert: decided, ...others } = INSERT_SETTINGS;
  return {
    ...others,
    ...(server?.decides === 1 && decided !== undefined ? { deduplicate_insert: decided } : { insert_deduplicate: 1 }),
    ...(sharded && { distributed_foreground_insert: 1 }),
  };
}

function passwordOf({ passwordFile, passwordEnv }: ClickhouseConfig): string | undefined {
  if (passwordEnv !== undefined) {
    const password = process.env[passwordEnv];
    if (password === undefined || password === '') {
      throw new VedetteError('CONFIG_INVALID', `clickhouse: the environment has no ${passwordEnv}`);
    }
    return password;
  }
  return passwordFile === undefined ? undefined : readText(passwordFile).split(/\r?\n/, 1)[0]!;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VedetteError('CONFIG_INVALID', `clickhouse: ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
