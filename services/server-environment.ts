import { ANALYST_USER, CLICKHOUSE_USER } from './clickhouse.ts';
import type { ServerKind } from './server-spec.ts';

/** Where clients reach the servers that were started, `host:port`; absent: not started. */
export interface ServerAddresses {
  readonly kafka?: readonly string[];
  readonly pulsar?: { readonly broker: string; readonly web: string };
  readonly cassandra?: string;
  readonly redis?: string;
  readonly clickhouse?: string;
}

export interface ServerSecrets {
  readonly redisPassword?: string;
  /** Token of the role that may do everything. */
  readonly pulsarToken?: string;
  readonly clickhouse: { readonly vedette: string; readonly analyst: string };
}

/** The variable that names each server; where it is set, that server is somebody else's. */
export const ADDRESS_VARIABLES = {
  kafka: 'VEDETTE_KAFKA',
  pulsar: 'VEDETTE_PULSAR_WS',
  cassandra: 'VEDETTE_CASSANDRA',
  redis: 'VEDETTE_REDIS',
  clickhouse: 'VEDETTE_CLICKHOUSE',
} as const satisfies Record<ServerKind, string>;

/** Variables by which `vedette run` and the tests find the servers. */
export function serverEnvironment(addresses: ServerAddresses, secrets: ServerSecrets): Record<string, string> {
  const { kafka, pulsar, cassandra, redis, clickhouse } = addresses;
  return {
    ...(kafka && { VEDETTE_KAFKA: kafka.join(',') }),
    ...(pulsar && {
      VEDETTE_PULSAR_WS: `ws://${pulsar.web}`,
      VEDETTE_PULSAR_ADMIN: `http://${pulsar.web}`,
      VEDETTE_PULSAR_SERVICE: `pulsar://${pulsar.broker}`,
      ...(secrets.pulsarToken !== undefined && { VEDETTE_PULSAR_TOKEN: secrets.pulsarToken }),
    }),
    ...(cassandra !== undefined && { VEDETTE_CASSANDRA: cassandra, VEDETTE_CASSANDRA_DC: 'datacenter1' }),
    ...(redis !== undefined && { VEDETTE_REDIS: redisUrl(redis, secrets.redisPassword) }),
    ...(clickhouse !== undefined && {
      VEDETTE_CLICKHOUSE: `http://${clickhouse}/`,
      VEDETTE_CLICKHOUSE_USER: CLICKHOUSE_USER,
      VEDETTE_CLICKHOUSE_PASSWORD: secrets.clickhouse.vedette,
      VEDETTE_CLICKHOUSE_ANALYST_USER: ANALYST_USER,
      VEDETTE_CLICKHOUSE_ANALYST_PASSWORD: secrets.clickhouse.analyst,
    }),
  };
}

function redisUrl(address: string, password: string | undefined): string {
  return password === undefined ? `redis://${address}` : `redis://:${encodeURIComponent(password)}@${address}`;
}
