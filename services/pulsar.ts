import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { composeService } from './compose-file.ts';
import { libraryOf } from './libraries.ts';
import { answersOk } from './probes.ts';
import { compilerFlags, type JvmOptions, JVM_START_TIMEOUT_MS } from './jvm.ts';
import type { ServerSpec } from './server-spec.ts';

export interface PulsarOptions extends JvmOptions {
  readonly ports: { readonly broker: number; readonly web: number; readonly bookie: number };
  /** `tokens`: everybody needs one; {@link pulsarToken} makes them. */
  readonly authentication?: 'none' | 'tokens';
  /** Settings of standalone.conf that stand above all others. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What the packages lack of the image's standalone.conf, and what a small machine needs. */
const LOCAL: Readonly<Record<string, string>> = {
  bindAddress: '127.0.0.1',
  advertisedAddress: '127.0.0.1',
  metadataStoreUrl: '',
  configurationMetadataStoreUrl: '',
  statusFilePath: '',
  forceDeleteNamespaceAllowed: 'true',
  forceDeleteTenantAllowed: 'true',
  numIOThreads: '2',
  numHttpServerThreads: '8',
  numOrderedExecutorThreads: '2',
  numCacheExecutorThreadPoolSize: '2',
  webSocketNumIoThreads: '2',
  webSocketConnectionsPerBroker: '1',
  managedLedgerNumSchedulerThreads: '2',
  bookkeeperNumberOfChannelsPerBookie: '1',
  allowLoopback: 'true',
  // Without it the bookie takes a random port, whatever it is told.
  allowEphemeralPorts: 'true',
  // Without it the bookie listens on every address.
  listeningInterface: process.platform === 'darwin' ? 'lo0' : 'lo',
  journalPreAllocSizeMB: '4',
  journalMaxSizeMB: '64',
  entryLogSizeLimit: '134217728',
  ledgerStorageClass: 'org.apache.bookkeeper.bookie.storage.ldb.DbLedgerStorage',
  dbStorage_writeCacheMaxSizeMb: '32',
  dbStorage_readAheadCacheMaxSizeMb: '16',
  dbStorage_rocksDB_blockCacheSize: '8388608',
  diskUsageThreshold: '0.99',
  diskUsageWarnThreshold: '0.99',
  diskUsageLwmThreshold: '0.99',
  numAddWorkerThreads: '1',
  numReadWorkerThreads: '1',
  numJournalCallbackThreads: '1',
  numHighPriorityWorkerThreads: '1',
};

const OPENED = [
  'java.base/java.io',
  'java.base/java.util.zip',
  'java.base/java.nio',
  'java.base/jdk.internal.misc',
  'java.base/sun.net',
  'java.base/jdk.internal.platform',
  'java.management/sun.management',
];

const LOG4J = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders><Console name="C"><PatternLayout pattern="%d{ISO8601} [%t] %-5level %c{1} - %m%n"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="C"/></Root></Loggers>
</Configuration>
`;

/** Role that may do everything where tokens are asked for. */
export const PULSAR_ADMIN_ROLE = 'admin';

/** Settings that the image's script takes out of its environment. */
export function settingsOfEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = 'PULSAR_PREFIX_';
  return Object.fromEntries(
    Object.entries(environment)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** Secret that a Pulsar on this data folder signs tokens with; made where there is none. */
export function pulsarSecret(dir: string): Buffer {
  const path = join(dir, 'pulsar', 'token.key');
  if (!existsSync(path)) {
    mkdirSync(join(dir, 'pulsar'), { recursive: true, mode: 0o700 });
    writeFileSync(path, randomBytes(32), { mode: 0o600 });
  }
  return readFileSync(path);
}

/** A JSON web token (HS256) of the role, without an end. */
export function pulsarToken(secret: Buffer, role: string): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256' })}.${encode({ sub: role })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Pulsar standalone with its WebSocket service and one bookie in one JVM, with the settings of docker-compose.yml. */
export function pulsarSpec(options: PulsarOptions): ServerSpec {
  const { environment } = composeService('pulsar');
  const dir = join(options.dir, 'pulsar');
  const { broker, web, bookie } = options.ports;
  const memory = environment['PULSAR_MEM'] ?? '';
  const heap = options.heap ?? /-Xmx(\w+)/.exec(memory)?.[1] ?? '512m';
  const direct = /MaxDirectMemorySize=(\w+)/.exec(memory)?.[1] ?? '512m';
  const conf = join(dir, 'standalone.conf');
  const log4j = join(dir, 'log4j2.xml');
  const admin = options.authentication === 'tokens' ? pulsarToken(pulsarSecret(options.dir), PULSAR_ADMIN_ROLE) : '';
  const settings: Record<string, string> = {
    ...settingsOfEnvironment(environment),
    ...LOCAL,
    brokerServicePort: String(broker),
    webServicePort: String(web),
    ...(options.authentication === 'tokens' && tokenSettings(join(dir, 'token.key'), admin)),
    ...options.settings,
  };
  return {
    kind: 'pulsar',
    name: 'pulsar',
    dir,
    command: options.java,
    args: [
      '-cp',
      join(libraryOf('pulsar'), '*'),
      `-Xms${heap}`,
      `-Xmx${heap}`,
      `-XX:MaxDirectMemorySize=${direct}`,
      '-XX:+UseSerialGC',
      '-XX:+ExitOnOutOfMemoryError',
      ...compilerFlags(options.compiler),
      `-Djava.io.tmpdir=${join(dir, 'tmp')}`,
      '-Djava.net.preferIPv4Stack=true',
      '-Djute.maxbuffer=10485760',
      '-Dio.netty.tryReflectionSetAccessible=true',
      '-Dio.netty.leakDetectionLevel=disabled',
      ...OPENED.flatMap((name) => ['--add-opens', `${name}=ALL-UNNAMED`]),
      '-Dlog4j2.is.webapp=false',
      '-Dlog4j.shutdownHookEnabled=false',
      `-Dlog4j2.configurationFile=${pathToFileURL(log4j).href}`,
      '-Dbookkeeper.metadata.bookie.drivers=org.apache.pulsar.metadata.bookkeeper.PulsarMetadataBookieDriver',
      '-Dbookkeeper.metadata.client.drivers=org.apache.pulsar.metadata.bookkeeper.PulsarMetadataClientDriver',
      'org.apache.pulsar.PulsarStandaloneStarter',
      '--config',
      conf,
      '--metadata-dir',
      join(dir, 'metadata'),
      '--bookkeeper-dir',
      join(dir, 'bookkeeper'),
      '--bookkeeper-port',
      String(bookie),
      '-nfw',
      '-nss',
      '-a',
      '127.0.0.1',
    ],
    env: { PATH: '/usr/bin:/bin' },
    ports: { broker, web, bookie },
    startTimeoutMs: JVM_START_TIMEOUT_MS,
    async prepare() {
      for (const name of ['tmp', 'logs']) mkdirSync(join(dir, name), { recursive: true });
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
      writeFileSync(conf, lines.join(''), { mode: 0o600 });
      writeFileSync(log4j, LOG4J);
    },
    answers: () =>
      answersOk(
        `http://127.0.0.1:${web}/admin/v2/brokers/health`,
        admin === '' ? {} : { authorization: `Bearer ${admin}` },
      ),
  };
}

function tokenSettings(keyFile: string, admin: string): Record<string, string> {
  return {
    authenticationEnabled: 'true',
    authorizationEnabled: 'true',
    authenticationProviders: 'org.apache.pulsar.broker.authentication.AuthenticationProviderToken',
    superUserRoles: PULSAR_ADMIN_ROLE,
    tokenSecretKey: pathToFileURL(keyFile).href,
    brokerClientAuthenticationPlugin: 'org.apache.pulsar.client.impl.auth.AuthenticationToken',
    brokerClientAuthenticationParameters: JSON.stringify({ token: admin }),
  };
}
