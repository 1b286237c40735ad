import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { composeService } from './compose-file.ts';
import { findProgram } from './java.ts';
import { jarOf, libraryOf } from './libraries.ts';
import { cassandraAnswers } from './probes.ts';
import { compilerFlags, type JvmOptions, JVM_START_TIMEOUT_MS } from './jvm.ts';
import type { ServerSpec } from './server-spec.ts';

export interface CassandraOptions extends JvmOptions {
  readonly ports: { readonly native: number; readonly storage: number };
  /** Keys of cassandra.yaml that stand above all others. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

const EXPORTED = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.rmi/sun.rmi.transport.tcp',
];

const OPENED = [
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.lang',
  'java.base/java.io',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'jdk.management/com.sun.management.internal',
  'jdk.management.jfr/jdk.management.jfr',
];

/** What the image's entry point writes into cassandra.yaml out of its environment. */
const FROM_ENVIRONMENT: Readonly<Record<string, string>> = {
  CASSANDRA_CLUSTER_NAME: 'cluster_name',
  CASSANDRA_NUM_TOKENS: 'num_tokens',
  CASSANDRA_ENDPOINT_SNITCH: 'endpoint_snitch',
};

const LOGBACK = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date{ISO8601} %-5level [%thread] %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
`;

/** Keys of cassandra.yaml that docker-compose.yml sets. */
export function yamlOfEnvironment(environment: Readonly<Record<string, string>>): Record<string, string | number> {
  const yaml: Record<string, string | number> = {};
  for (const [name, key] of Object.entries(FROM_ENVIRONMENT)) {
    const value = environment[name];
    if (value !== undefined) yaml[key] = /^\d+$/.test(value) ? Number(value) : value;
  }
  return yaml;
}

/** One node on loopback; names and snitch of docker-compose.yml, sizes of a small machine. */
export function cassandraSpec(options: CassandraOptions): ServerSpec {
  const { environment } = composeService('cassandra');
  const dir = join(options.dir, 'cassandra');
  const conf = join(dir, 'conf');
  const { native, storage } = options.ports;
  const heap = options.heap ?? environment['MAX_HEAP_SIZE'] ?? '1g';
  const yaml = {
    ...yamlOfEnvironment(environment),
    ...localYaml(dir),
    storage_port: storage,
    native_transport_port: native,
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `127.0.0.1:${storage}` }],
      },
    ],
    ...options.settings,
  };
  const url = (name: string): string => pathToFileURL(join(conf, name)).href;
  const [command, ...before] = [...withoutMemoryLock(), options.java];
  return {
    kind: 'cassandra',
    name: 'cassandra',
    dir,
    command: command ?? options.java,
    args: [
      ...before,
      '-Xms256m',
      `-Xmx${heap}`,
      '-Xss512k',
      '-XX:+UseG1GC',
      '-XX:MaxGCPauseMillis=100',
      ...compilerFlags(options.compiler),
      '-XX:MaxDirectMemorySize=256m',
      `-javaagent:${jarOf('cassandra', 'jamm-')}`,
      ...EXPORTED.flatMap((name) => ['--add-exports', `${name}=ALL-UNNAMED`]),
      ...OPENED.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
      '-Djdk.attach.allowAttachSelf=true',
      '-Dio.netty.tryReflectionSetAccessible=true',
      '-Djava.awt.headless=true',
      '-Djna.nosys=true',
      '-Djava.net.preferIPv4Stack=true',
      `-Djava.io.tmpdir=${join(dir, 'tmp')}`,
      `-Dcassandra.config=${url('cassandra.yaml')}`,
      `-Dcassandra.storagedir=${dir}`,
      `-Dlogback.configurationFile=${url('logback.xml')}`,
      `-Dcassandra.logdir=${dir}`,
      '-Dcassandra-foreground=yes',
      // A single node has nobody to wait for.
      '-Dcassandra.ring_delay_ms=0',
      '-Dcassandra.skip_wait_for_gossip_to_settle=0',
      '-Dcassandra.superuser_setup_delay_ms=0',
      '-Dcassandra.allow_unsafe_join=true',
      '-Dcassandra.shutdown_announce_in_ms=0',
      ...(environment['JVM_EXTRA_OPTS'] ?? '').split(' ').filter((option) => option !== ''),
      '-cp',
      `${conf}:${join(libraryOf('cassandra'), '*')}`,
      'org.apache.cassandra.service.CassandraDaemon',
    ],
    env: { PATH: '/usr/bin:/bin' },
    ports: { native, storage },
    startTimeoutMs: JVM_START_TIMEOUT_MS,
    async prepare() {
      for (const name of ['conf', 'tmp']) mkdirSync(join(dir, name), { recursive: true });
      writeFileSync(join(conf, 'cassandra.yaml'), stringify(yaml));
      writeFileSync(join(conf, 'logback.xml'), LOGBACK);
    },
    answers: () => cassandraAnswers(native),
  };
}

function localYaml(dir: string): Record<string, unknown> {
  return {
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    data_file_directories: [join(dir, 'data')],
    commitlog_directory: join(dir, 'commitlog'),
    saved_caches_directory: join(dir, 'saved_caches'),
    hints_directory: join(dir, 'hints'),
    cdc_raw_directory: join(dir, 'cdc_raw'),
    // As in the image's own file; docker-compose.yml sets both otherwise.
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    commitlog_segment_size: '16MiB',
    commitlog_total_space: '256MiB',
    listen_address: '127.0.0.1',
    rpc_address: '127.0.0.1',
    start_native_transport: true,
    authenticator: 'AllowAllAuthenticator',
    authorizer: 'AllowAllAuthorizer',
    auto_bootstrap: false,
    auto_snapshot: false,
    hinted_handoff_enabled: false,
    concurrent_reads: 16,
    concurrent_writes: 16,
    concurrent_counter_writes: 8,
    concurrent_compactors: 1,
    memtable_heap_space: '128MiB',
    memtable_offheap_space: '128MiB',
    file_cache_size: '64MiB',
    networking_cache_size: '32MiB',
    key_cache_size: '16MiB',
    counter_cache_size: '0MiB',
    row_cache_size: '0MiB',
    cas_contention_timeout: '5000ms',
    read_request_timeout: '10000ms',
    write_request_timeout: '10000ms',
    range_request_timeout: '20000ms',
    request_timeout: '20000ms',
  };
}

/** As root it would lock its whole address space into memory, one and a half gigabytes of it. */
function withoutMemoryLock(): string[] {
  if (process.getuid?.() !== 0) return [];
  const setpriv = findProgram('setpriv');
  return setpriv === undefined ? [] : [setpriv, '--inh-caps=-ipc_lock', '--bounding-set=-ipc_lock'];
}
