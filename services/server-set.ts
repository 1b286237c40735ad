import { cassandraSpec } from './cassandra.ts';
import { clickhouseSpec } from './clickhouse.ts';
import { type FaultProxy, startProxy } from './fault-proxy.ts';
import { findJava } from './java.ts';
import type { JvmOptions } from './jvm.ts';
import { kafkaSpecs } from './kafka.ts';
import type { PortPlan } from './port-plan.ts';
import { PULSAR_ADMIN_ROLE, pulsarSecret, pulsarSpec, pulsarToken } from './pulsar.ts';
import { redisSpec } from './redis.ts';
import { type ServerAddresses, serverEnvironment } from './server-environment.ts';
import type { ServerProcess } from './server-process.ts';
import type { ServerKind, ServerSpec } from './server-spec.ts';
import type { ServicesOptions } from './start-services.ts';

/** Known to everybody: these servers listen on loopback only. */
const CLICKHOUSE_PASSWORDS = { vedette: 'vedette-password', analyst: 'analyst-password' };

export interface SetOptions {
  readonly options: ServicesOptions;
  readonly dataDir: string;
  readonly plan: PortPlan;
  readonly proxies: ReadonlyMap<string, FaultProxy>;
}

/** A proxy in front of the client port of each server of these kinds, by the server's name. */
export async function startProxies(kinds: readonly ServerKind[], plan: PortPlan): Promise<Map<string, FaultProxy>> {
  const proxies = new Map<string, FaultProxy>();
  for (const kind of kinds) {
    for (const [name, port] of clientPorts(kind, plan)) {
      proxies.set(name, await startProxy({ target: `127.0.0.1:${port}` }));
    }
  }
  return proxies;
}

/** The servers of a kind, as they are started. */
export function specsOf(kind: ServerKind, set: SetOptions): ServerSpec[] {
  const { options, dataDir: dir, plan, proxies } = set;
  const { settings, memoryMb } = options;
  switch (kind) {
    case 'kafka':
      return kafkaSpecs({
        ...jvm(set, memoryMb?.kafka),
        brokers: plan.kafka.map((ports, i) => {
          const proxy = proxies.get(brokerName(i, plan));
          return { ...ports, ...(proxy && { advertised: proxy.address }) };
        }),
        ...(settings?.kafka && { properties: settings.kafka }),
      });
    case 'pulsar':
      return [
        pulsarSpec({
          ...jvm(set, memoryMb?.pulsar),
          ports: plan.pulsar,
          authentication: options.pulsarAuthentication ?? 'none',
          ...(settings?.pulsar && { settings: settings.pulsar }),
        }),
      ];
    case 'cassandra':
      return [
        cassandraSpec({
          ...jvm(set, memoryMb?.cassandra),
          ports: plan.cassandra,
          ...(settings?.cassandra && { settings: settings.cassandra }),
        }),
      ];
    case 'redis': {
      const password = options.redisPassword;
      return [redisSpec({ dir, port: plan.redis.client, ...(password !== undefined && { password }) })];
    }
    case 'clickhouse': {
      const memory = memoryMb?.clickhouse;
      return [
        clickhouseSpec({
          dir,
          port: plan.clickhouse.http,
          passwords: CLICKHOUSE_PASSWORDS,
          ...(memory !== undefined && { memoryBytes: memory * 1024 * 1024 }),
        }),
      ];
    }
  }
}

/** The variables that name these servers, through their proxies where there are some. */
export function environmentOf(servers: readonly ServerProcess[], set: SetOptions): Record<string, string> {
  const { options, dataDir, proxies } = set;
  const of = (kind: ServerKind): ServerProcess[] => servers.filter((server) => server.kind === kind);
  const address = (server: ServerProcess, purpose?: string): string =>
    proxies.get(server.name)?.address ?? server.address(purpose);
  const [pulsar] = of('pulsar');
  const [cassandra, redis, clickhouse] = [of('cassandra')[0], of('redis')[0], of('clickhouse')[0]];
  const kafka = of('kafka').map((server) => address(server));
  const addresses: ServerAddresses = {
    ...(kafka.length > 0 && { kafka }),
    // The binary protocol tells clients the broker's own address, so a proxy in front of it would be left out anyway.
    ...(pulsar && { pulsar: { web: address(pulsar, 'web'), broker: pulsar.address('broker') } }),
    ...(cassandra && { cassandra: address(cassandra) }),
    ...(redis && { redis: address(redis) }),
    ...(clickhouse && { clickhouse: address(clickhouse) }),
  };
  return serverEnvironment(addresses, {
    clickhouse: CLICKHOUSE_PASSWORDS,
    ...(options.redisPassword !== undefined && { redisPassword: options.redisPassword }),
    ...(options.pulsarAuthentication === 'tokens' && {
      pulsarToken: pulsarToken(pulsarSecret(dataDir), PULSAR_ADMIN_ROLE),
    }),
  });
}

function clientPorts(kind: ServerKind, plan: PortPlan): [string, number][] {
  switch (kind) {
    case 'kafka':
      return plan.kafka.map(({ client }, i) => [brokerName(i, plan), client]);
    case 'pulsar':
      return [[kind, plan.pulsar.web]];
    case 'cassandra':
      return [[kind, plan.cassandra.native]];
    case 'redis':
      return [[kind, plan.redis.client]];
    case 'clickhouse':
      return [[kind, plan.clickhouse.http]];
  }
}

function brokerName(index: number, plan: PortPlan): string {
  return plan.kafka.length === 1 ? 'kafka' : `kafka-${index + 1}`;
}

function jvm({ dataDir, options }: SetOptions, memoryMb: number | undefined): JvmOptions {
  return {
    dir: dataDir,
    // Its absence was told already, with what to do about it.
    java: findJava() ?? 'java',
    compiler: options.compiler ?? (options.lifetime === 'detached' ? 'full' : 'quick'),
    ...(memoryMb !== undefined && { heap: `${memoryMb}m` }),
  };
}
