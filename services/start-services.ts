import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { VedetteError } from '../model/errors.ts';
import type { FaultProxy } from './fault-proxy.ts';
import type { JvmCompiler } from './jvm.ts';
import { portPlan } from './port-plan.ts';
import { pulsarSecret, pulsarToken } from './pulsar.ts';
import { install } from './requirements.ts';
import { ServerProcess } from './server-process.ts';
import { environmentOf, specsOf, startProxies } from './server-set.ts';
import { SERVER_KINDS, type ServerKind } from './server-spec.ts';
import { killServersOn, makeTemporaryData, sweepTemporaryData } from './temporary-data.ts';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface ServicesOptions {
  /** Which servers; default: all five. */
  readonly only?: readonly ServerKind[];
  /** Folder of their data; default: a temporary one, which {@link Services.stop} removes. */
  readonly dataDir?: string;
  /** Ports count from here; default: random free ones. */
  readonly basePort?: number;
  /** Default 1. With more, topics have as many replicas, up to 3, and one may be away. */
  readonly kafkaBrokers?: number;
  /** Heap of a JVM, or limit of ClickHouse's server, MiB; defaults as in docker-compose.yml. */
  readonly memoryMb?: Partial<Record<Exclude<ServerKind, 'redis'>, number>>;
  /**
   * `quick` starts the JVMs with a third less of processor time, `full` is what a benchmark needs. Default: `quick` for
   * servers that end with this process, `full` for others.
   */
  readonly compiler?: JvmCompiler;
  /** Servers whose clients go through a {@link FaultProxy}; their addresses in {@link Services.env} are its. */
  readonly proxied?: readonly ServerKind[];
  /** Redis asks for it; default: for none. */
  readonly redisPassword?: string;
  /** `tokens`: Pulsar refuses who has none; {@link Services.pulsarToken} makes them. */
  readonly pulsarAuthentication?: 'none' | 'tokens';
  /** Settings above all others: of brokers, of standalone.conf, of cassandra.yaml. */
  readonly settings?: {
    readonly kafka?: Readonly<Record<string, string>>;
    readonly pulsar?: Readonly<Record<string, string>>;
    readonly cassandra?: Readonly<Record<string, unknown>>;
  };
  /** `process`, the default: killed when this process exits. `detached`: they live on. */
  readonly lifetime?: 'process' | 'detached';
  /** Told what takes long. */
  readonly onNotice?: (text: string) => void;
}

/** Servers that run. */
export interface Services {
  readonly dataDir: string;
  readonly servers: readonly ServerProcess[];
  /** What `vedette run` and the tests take their addresses from. */
  readonly env: Readonly<Record<string, string>>;
  /** The server of that name: `redis`, `kafka`, or `kafka-2` where there are several brokers. Throws NOT_FOUND. */
  server(name: string): ServerProcess;
  /** The proxy in front of the server of that name. Throws NOT_FOUND unless it was started `proxied`. */
  proxy(name: string): FaultProxy;
  /** A token of Pulsar's for the role. */
  pulsarToken(role: string): string;
  /** Ends the proxies and removes the temporary folder; servers on a folder of one's own live on. */
  release(): Promise<void>;
  /** Ends all servers and proxies, and removes the temporary folder. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the servers side by side and resolves when each answers. Servers that run already on the folder are taken
 * over. Where one fails, those that were started here are stopped.
 *
 * @throws VedetteError UNSUPPORTED with everything that is missing on this machine, STORE_UNAVAILABLE with the end of
 * the log of the server that did not come up, CONFLICT where ports are taken or the folder is of another kind
 */
export async function startServices(options: ServicesOptions = {}): Promise<Services> {
  sweepTemporaryData();
  await install(kindsOf(options), options.onNotice ?? (() => undefined));
  const prepared = await prepareServices(options);
  const toStart = prepared.servers.filter((server) => !server.running);
  const outcomes = await Promise.allSettled(prepared.servers.map((server) => server.start()));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure === undefined) return prepared;
  await Promise.all(toStart.map((server) => server.stop()));
  await prepared.release();
  throw failure.reason;
}

/** The servers of a folder as {@link startServices} would start them, without starting any. */
export async function prepareServices(options: ServicesOptions): Promise<Services> {
  const dataDir = options.dataDir === undefined ? makeTemporaryData() : resolve(options.dataDir);
  const plan = await portPlan(dataDir, options);
  const proxies = await startProxies(options.proxied ?? [], plan);
  const set = { options, dataDir, plan, proxies };
  const servers = kindsOf(options)
    .flatMap((kind) => specsOf(kind, set))
    .map((spec) => new ServerProcess(spec));
  const temporary = options.dataDir === undefined;
  const callOff = options.lifetime === 'detached' ? () => undefined : endWithProcess(dataDir, { temporary });
  const release = async (): Promise<void> => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    callOff();
    if (temporary) removeFolder(dataDir);
  };
  return {
    dataDir,
    servers,
    env: environmentOf(servers, set),
    server: (name) =>
      found(
        servers.find((server) => server.name === name),
        `server ${name}`,
      ),
    proxy: (name) => found(proxies.get(name), `proxy in front of ${name}`),
    pulsarToken: (role) => pulsarToken(pulsarSecret(dataDir), role),
    release,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await release();
    },
  };
}

function kindsOf(options: ServicesOptions): ServerKind[] {
  return SERVER_KINDS.filter((kind) => options.only?.includes(kind) ?? true);
}

/** Kills the servers when this process exits, by itself or by a signal. Returns what calls that off. */
function endWithProcess(dataDir: string, { temporary }: { readonly temporary: boolean }): () => void {
  const end = (): void => {
    if (!existsSync(dataDir)) return;
    killServersOn(dataDir);
    if (temporary) removeFolder(dataDir);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    end();
    release();
    // Whoever else listens decides what the signal means; if nobody does, it ends this process as it would have.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const release = (): void => {
    process.off('exit', end);
    for (const signal of ENDING_SIGNALS) process.off(signal, onSignal);
  };
  process.on('exit', end);
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal);
  return release;
}

function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new VedetteError('NOT_FOUND', `no ${what} was started`);
  return value;
}
