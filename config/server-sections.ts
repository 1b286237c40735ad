import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig, parseConfig } from './load.ts';
import type { Config } from './schema.ts';

export const SERVERS = ['kafka', 'pulsar', 'cassandra', 'redis', 'clickhouse'] as const;
export type Server = (typeof SERVERS)[number];

type Environment = Readonly<Record<string, string | undefined>>;
type Section = Readonly<Record<string, unknown>>;

const objectSchema = z.record(z.string(), z.unknown());

/**
 * The configuration, with the addresses that VEDETTE_… variables give in the place of its own, and the servers that
 * either of them names; none: the embedded form. Errors: CONFIG_INVALID.
 */
export function readSections(
  path: string | undefined,
  environment: Environment,
): { readonly config: Config; readonly servers: readonly Server[] } {
  // Says what is wrong with the file itself.
  loadConfig(path);
  const file = objectSchema.parse(path === undefined ? {} : (parse(readFileSync(path, 'utf8')) ?? {}));
  const given = environmentSections(environment);
  const servers = SERVERS.filter((server) => file[server] !== undefined || given[server] !== undefined);
  const merged = servers.map((server) => [server, { ...section(file[server]), ...given[server] }]);
  return { config: parseConfig({ ...file, ...Object.fromEntries(merged) }, path), servers };
}

/** The sections that the variables of `npm run services` make. */
function environmentSections(environment: Environment): Partial<Record<Server, Section>> {
  const value = (name: string): string | undefined => {
    const text = environment[`VEDETTE_${name}`];
    return text === '' ? undefined : text;
  };
  const [kafka, pulsar, cassandra, redis, clickhouse] = [
    'KAFKA',
    'PULSAR_ADMIN',
    'CASSANDRA',
    'REDIS',
    'CLICKHOUSE',
  ].map(value);
  return {
    ...(kafka !== undefined && { kafka: { brokers: kafka.split(',') } }),
    ...(pulsar !== undefined && {
      pulsar: defined({
        adminUrl: pulsar,
        webSocketUrl: value('PULSAR_WS'),
        serviceUrl: value('PULSAR_SERVICE'),
        tokenEnv: value('PULSAR_TOKEN') && 'VEDETTE_PULSAR_TOKEN',
      }),
    }),
    ...(cassandra !== undefined && {
      cassandra: defined({ contactPoints: cassandra.split(','), localDataCenter: value('CASSANDRA_DC') }),
    }),
    ...(redis !== undefined && { redis: redisSection(redis) }),
    ...(clickhouse !== undefined && {
      clickhouse: defined({
        url: clickhouse,
        username: value('CLICKHOUSE_USER'),
        passwordEnv: value('CLICKHOUSE_PASSWORD') && 'VEDETTE_CLICKHOUSE_PASSWORD',
      }),
    }),
  };
}

function redisSection(url: string): Section {
  const { protocol, host, username, password } = new URL(url);
  return defined({
    nodes: [host],
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    tls: protocol === 'rediss:' ? {} : undefined,
  });
}

function defined(values: Section): Section {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function section(value: unknown): Section {
  return value === undefined || value === null ? {} : objectSchema.parse(value);
}
