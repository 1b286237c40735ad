import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VedetteError } from '../model/errors.ts';
import { composeService } from './compose-file.ts';
import { run, libraryOf } from './libraries.ts';
import { kafkaBrokers } from './probes.ts';
import { compilerFlags, type JvmOptions, JVM_START_TIMEOUT_MS } from './jvm.ts';
import type { ServerSpec } from './server-spec.ts';

export interface KafkaOptions extends JvmOptions {
  /** One entry a broker. */
  readonly brokers: readonly KafkaBrokerPorts[];
  /** Properties that stand above all others. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface KafkaBrokerPorts {
  readonly client: number;
  /** Between brokers: never behind a proxy. */
  readonly internal: number;
  readonly controller: number;
  /** Address that clients are told, where it is not the port itself. */
  readonly advertised?: string;
}

/** Variables of the image that are no broker properties. */
const NOT_PROPERTIES = /^KAFKA_(HEAP_OPTS|OPTS|VERSION|LOG4J_|JMX_|JVM_PERFORMANCE_OPTS|GC_LOG_OPTS)/;

/** Properties that the image makes of its environment: `KAFKA_LOG_DIRS` is `log.dirs`, `__` is `_`, `___` is `-`. */
export function propertiesOfEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('KAFKA_') || NOT_PROPERTIES.test(name)) continue;
    const key = name
      .slice('KAFKA_'.length)
      .toLowerCase()
      .replaceAll(/_{1,3}/g, (run) => (run.length === 3 ? '-' : run.length === 2 ? '_' : '.'));
    properties[key] = value;
  }
  return properties;
}

/** One combined broker and controller a node, as in docker-compose.yml but for its addresses and replication. */
export function kafkaSpecs(options: KafkaOptions): ServerSpec[] {
  const { environment } = composeService('kafka');
  const count = options.brokers.length;
  const heap = options.heap ?? /-Xmx(\w+)/.exec(environment['KAFKA_HEAP_OPTS'] ?? '')?.[1] ?? '512m';
  const voters = options.brokers.map(({ controller }, i) => `${i + 1}@127.0.0.1:${controller}`).join(',');
  const classPath = join(libraryOf('kafka'), '*');
  const replicas = String(Math.min(3, count));
  const inSync = String(Math.max(1, Math.min(3, count) - 1));
  return options.brokers.map((ports, i) => {
    const name = count === 1 ? 'kafka' : `kafka-${i + 1}`;
    const dir = join(options.dir, name);
    const file = join(dir, 'server.properties');
    const properties: Record<string, string> = {
      ...propertiesOfEnvironment(environment),
      'node.id': String(i + 1),
      'controller.quorum.voters': voters,
      listeners:
        `CLIENT://127.0.0.1:${ports.client},INTERNAL://127.0.0.1:${ports.internal},` +
        `CONTROLLER://127.0.0.1:${ports.controller}`,
      'advertised.listeners':
        `CLIENT://${ports.advertised ?? `127.0.0.1:${ports.client}`},` + `INTERNAL://127.0.0.1:${ports.internal}`,
      'inter.broker.listener.name': 'INTERNAL',
      'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': join(dir, 'log'),
      'default.replication.factor': replicas,
      'min.insync.replicas': inSync,
      'offsets.topic.replication.factor': replicas,
      'transaction.state.log.replication.factor': replicas,
      'transaction.state.log.min.isr': inSync,
      'share.coordinator.state.topic.replication.factor': replicas,
      'share.coordinator.state.topic.min.isr': inSync,
      ...options.properties,
    };
    const logging = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'];
    return {
      kind: 'kafka',
      name,
      dir,
      command: options.java,
      args: [
        `-Xms${heap}`,
        `-Xmx${heap}`,
        '-XX:+UseG1GC',
        '-XX:MaxGCPauseMillis=50',
        ...compilerFlags(options.compiler),
        '-Djava.awt.headless=true',
        ...logging,
        '-cp',
        classPath,
        'kafka.Kafka',
        file,
      ],
      env: { PATH: '/usr/bin:/bin' },
      ports: { client: ports.client, internal: ports.internal, controller: ports.controller },
      startTimeoutMs: JVM_START_TIMEOUT_MS,
      async prepare() {
        mkdirSync(dir, { recursive: true });
        writeFileSync(
          file,
          Object.entries(properties)
            .map(([key, value]) => `${key}=${value}\n`)
            .join(''),
        );
        if (existsSync(join(dir, 'log', 'meta.properties'))) return;
        const small = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...logging, '-cp', classPath];
        const format = ['format', '-t', environment['CLUSTER_ID'] ?? '', '-c', file];
        const output = await run(options.java, [...small, 'kafka.tools.StorageTool', ...format]);
        if (output !== undefined) throw new VedetteError('STORE_UNAVAILABLE', `${name} was not formatted:\n${output}`);
      },
      // It accepts connections before it is let into the cluster, and is no leader until then.
      answers: async () => (await kafkaBrokers(ports.client)).includes(i + 1),
    };
  });
}
