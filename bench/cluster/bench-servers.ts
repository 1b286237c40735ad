import { readFileSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';
import { readSections } from '../../config/server-sections.ts';
import type { ServerKind } from '../../services/server-spec.ts';
import { type Services, startServices } from '../../services/start-services.ts';
import { parseStat } from '../measure.ts';

export interface BenchServers {
  readonly services: Services;
  readonly config: Config;
}

/** Real servers on this machine, and a configuration that names them and is the default otherwise. */
export async function startBenchServers(options: {
  readonly only: readonly ServerKind[];
  readonly prefix: string;
  readonly partitions: number;
  readonly onNotice: (text: string) => void;
}): Promise<BenchServers> {
  const services = await startServices({
    only: options.only,
    compiler: 'full',
    // The flows' own time is months ago: with a retention they would go.
    settings: { kafka: { 'log.retention.ms': '-1' } },
    onNotice: options.onNotice,
  });
  // ClickHouse's password is read from the environment, by the workers as well.
  Object.assign(process.env, services.env);
  const { config } = readSections(undefined, process.env);
  const { prefix, partitions } = options;
  return {
    services,
    config: {
      ...config,
      kafka: { ...config.kafka, prefix },
      cassandra: { ...config.cassandra, keyspace: prefix },
      pulsar: { ...config.pulsar, namespace: prefix },
      redis: { ...config.redis, namespace: prefix },
      log: { ...config.log, partitions },
    },
  };
}

/** Processor time of each server so far, seconds. */
export function serverSeconds(services: Services): Map<string, number> {
  return new Map(
    services.servers.map(({ name, pid }) => [name, parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).seconds]),
  );
}
