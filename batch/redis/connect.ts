import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../../config/redis.ts';
import { VedetteError } from '../../model/errors.ts';

export type RedisClient = Redis | Cluster;

/** Longest pause between two tries to connect again, ms. */
const MAX_PAUSE_MS = 5000;
/** 6.2: BullMQ's scripts need it. */
const MIN_VERSION = 602;
const UNAUTHORIZED = /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid password|AUTH|Client sent AUTH))/;

/**
 * `once`: for the first question, gives up at the first failure. `ask`: for operations, which fail while the server is
 * away. `wait`: for workers, which go on when it is back.
 */
type Patience = 'once' | 'ask' | 'wait';

/** A client of one server, of the master behind sentinels, or of a cluster. Connects when first used. */
export function createClient(config: RedisConfig, patience: Patience): RedisClient {
  const pause = (tries: number): number | null =>
    patience === 'once' ? null : Math.min(100 * 2 ** tries, MAX_PAUSE_MS);
  const password = config.password ?? (config.passwordEnv === undefined ? undefined : process.env[config.passwordEnv]);
  const options = {
    ...(config.username !== undefined && { username: config.username }),
    ...(password !== undefined && { password }),
    ...(config.tls && { tls: tlsOptions(config.tls) }),
    connectTimeout: config.connectTimeoutMs,
    lazyConnect: true,
    enableReadyCheck: true,
    maxRetriesPerRequest: patience === 'wait' ? null : 1,
  } satisfies RedisOptions;
  const nodes = config.nodes.map(hostPort);
  switch (config.topology) {
    case 'single':
      return new Redis({ ...options, ...nodes[0]!, db: config.database, retryStrategy: pause });
    case 'sentinel': {
      const { master, username, password } = config.sentinel;
      return new Redis({
        ...options,
        db: config.database,
        retryStrategy: pause,
        name: master,
        sentinels: nodes,
        sentinelRetryStrategy: pause,
        ...(username !== undefined && { sentinelUsername: username }),
        ...(password !== undefined && { sentinelPassword: password }),
        ...(config.tls && { sentinelTLS: tlsOptions(config.tls), enableTLSForSentinelMode: true }),
      });
    }
    case 'cluster':
      return new Cluster(nodes, { redisOptions: options, lazyConnect: true, clusterRetryStrategy: pause });
  }
}

/** Connects and asks, once. Errors: UNAUTHORIZED, QUEUE_UNAVAILABLE, UNSUPPORTED. */
export async function checkServer(config: RedisConfig): Promise<{ readonly evictionPolicy: string | undefined }> {
  const client = createClient(config, 'once');
  let last: unknown;
  // A cluster's client tells a node's refusal as an event only.
  for (const event of ['error', 'node error']) client.on(event, (error: unknown) => (last = error));
  try {
    const info = await answered(config, async () => {
      await client.connect();
      return client.info();
    });
    const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
    if (version && Number(version[1]) * 100 + Number(version[2]) < MIN_VERSION)
      throw new VedetteError('UNSUPPORTED', `Redis at ${config.nodes.join(', ')} is older than 6.2`);
    return { evictionPolicy: /^maxmemory_policy:(\S+)/m.exec(info)?.[1] };
  } catch (error) {
    throw redisError(config, saysNothing(error) ? (last ?? error) : error);
  } finally {
    client.disconnect();
  }
}

/** A server that takes the connection and then says nothing, or a cluster without nodes, must not hold up the start. */
async function answered<T>(config: RedisConfig, ask: () => Promise<T>): Promise<T> {
  const timer = new AbortController();
  const asked = ask();
  asked.catch(() => undefined);
  const late = sleep(2 * config.connectTimeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer for ${2 * config.connectTimeoutMs} ms`);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    timer.abort();
  }
}

/** What a client threw, in our words; the password is in none of them. */
export function redisError(config: RedisConfig, error: unknown): VedetteError {
  if (error instanceof VedetteError) return error;
  const words = innermost(error);
  const where = config.nodes.join(', ');
  if (UNAUTHORIZED.test(words))
    return new VedetteError('UNAUTHORIZED', `Redis at ${where} refuses the user or the password: ${words}`, {
      cause: error,
    });
  return new VedetteError('QUEUE_UNAVAILABLE', `Redis at ${where} is not available: ${words}`, { cause: error });
}

/** The reason came before, as an event. */
function saysNothing(error: unknown): boolean {
  return error instanceof Error && /^(Connection is closed|None of startup nodes)/.test(error.message);
}

/** A cluster's client and Node's happy eyeballs wrap the reason. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { lastNodeError } = error as { lastNodeError?: unknown };
  if (lastNodeError) return innermost(lastNodeError);
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  return error.message;
}

function hostPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

function tlsOptions({ ca, cert, key, serverName }: NonNullable<RedisConfig['tls']>) {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
