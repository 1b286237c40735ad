import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { VedetteError } from '../model/errors.ts';
import { type ProcessMark, isRunning, signalProcess } from './process-mark.ts';
import { PROJECT_ROOT } from './project-root.ts';
import { SERVER_KINDS, type ServerKind } from './server-spec.ts';
import { prepareServices, type ServicesOptions, startServices } from './start-services.ts';
import { serversOn } from './temporary-data.ts';

const USAGE = `npm run services -- COMMAND [options]

Kafka, Pulsar, Cassandra, Redis and ClickHouse on this machine, without containers.

  up             start them; prints the environment for "vedette run"
  down           stop them; their data stays
  status         which run, and where
  logs [NAME]    the end of their logs

  --data DIR           folder of their data (default: var/services)
  --only NAME,NAME     of ${SERVER_KINDS.join(', ')} (default: all)
  --base-port N        ports count from N (default: random free ones, kept with the data)
  --kafka-brokers N    default 1; with 3, topics have three replicas
  --lines N            of each log (default 40)
`;

const STOP_TIMEOUT_MS = 20_000;

/** Where a command's answer goes, and what it says meanwhile. */
export interface CommandOutput {
  readonly out: (text: string) => void;
  readonly say: (line: string) => void;
}

interface Request extends CommandOutput {
  readonly command: string;
  readonly name: string | undefined;
  readonly lines: number;
  readonly options: ServicesOptions & { readonly dataDir: string };
}

function parseRequest(argv: readonly string[], output: CommandOutput): Request {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      data: { type: 'string', default: join(PROJECT_ROOT, 'var', 'services') },
      only: { type: 'string' },
      'base-port': { type: 'string' },
      'kafka-brokers': { type: 'string' },
      lines: { type: 'string', default: '40' },
    },
  });
  const [command = 'help', name] = positionals;
  const basePort = values['base-port'];
  const kafkaBrokers = values['kafka-brokers'];
  return {
    ...output,
    command,
    name,
    lines: wholeNumber('--lines', values.lines),
    options: {
      dataDir: resolve(values.data),
      lifetime: 'detached',
      onNotice: output.say,
      ...(values.only !== undefined && { only: values.only.split(',').map(kindOf) }),
      ...(basePort !== undefined && { basePort: wholeNumber('--base-port', basePort) }),
      ...(kafkaBrokers !== undefined && { kafkaBrokers: wholeNumber('--kafka-brokers', kafkaBrokers) }),
    },
  };
}

function kindOf(name: string): ServerKind {
  const kind = SERVER_KINDS.find((known) => known === name.trim());
  if (kind === undefined) {
    throw new VedetteError('BAD_REQUEST', `no server "${name}"; there are ${SERVER_KINDS.join(', ')}`);
  }
  return kind;
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new VedetteError('BAD_REQUEST', `${option} ${text} is no whole number`);
  return Number(text);
}

async function up({ options, out, say }: Request): Promise<number> {
  const began = performance.now();
  const services = await startServices(options);
  say(`up after ${((performance.now() - began) / 1000).toFixed(1)} s; data and logs in ${options.dataDir}`);
  for (const [name, value] of Object.entries(services.env)) {
    out(`export ${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  }
  return 0;
}

async function down({ options, say }: Request): Promise<number> {
  const running = serversOn(options.dataDir).filter(({ name }) => isChosen(name, options));
  if (running.length === 0) say(`nothing runs on ${options.dataDir}`);
  await Promise.all(
    running.map(async ({ name, mark }) => {
      say(`${name} (process ${mark.pid}) ${await end(mark)}`);
    }),
  );
  return 0;
}

/** By the recorded process, so that it works when packages, or this very program, have changed since. */
async function end(mark: ProcessMark): Promise<string> {
  signalProcess(mark, 'SIGCONT');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    signalProcess(mark, signal);
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (isRunning(mark) && performance.now() < deadline) await sleep(25);
    if (!isRunning(mark)) return signal === 'SIGTERM' ? 'stopped' : 'killed: it did not stop within 20 s';
  }
  throw new VedetteError('STORE_UNAVAILABLE', `process ${mark.pid} does not end, even killed`);
}

async function status({ options, out, say }: Request): Promise<number> {
  const only = SERVER_KINDS.filter((kind) => startedOnce(options.dataDir, kind) && isChosen(kind, options));
  if (only.length === 0) {
    say(`no server was started on ${options.dataDir}`);
    return 1;
  }
  const { servers } = await prepareServices({ ...options, only });
  const states = await Promise.all(
    servers.map(async (server) => {
      const pid = server.pid;
      const state = pid === undefined ? 'stopped' : (await server.answers()) ? 'answers' : 'does not answer';
      return { server, pid, state };
    }),
  );
  for (const { server, pid, state } of states) {
    const columns = [server.name.padEnd(12), String(pid ?? '-').padEnd(8), state.padEnd(16), server.address()];
    out(`${columns.join(' ').padEnd(60)} ${server.logFile}\n`);
  }
  return states.every(({ state }) => state === 'answers') ? 0 : 1;
}

async function logs({ options, name, lines, out, say }: Request): Promise<number> {
  const only = SERVER_KINDS.filter((kind) => startedOnce(options.dataDir, kind));
  if (only.length === 0) {
    say(`no server was started on ${options.dataDir}`);
    return 1;
  }
  const { servers } = await prepareServices({ ...options, only });
  const chosen = servers.filter((server) => name === undefined || name === server.name || name === server.kind);
  for (const server of chosen) {
    if (chosen.length > 1) out(`==> ${server.logFile}\n`);
    out(`${server.logTail(lines)}\n`);
  }
  if (chosen.length === 0)
    say(`there is no ${name ?? ''}; there are ${servers.map((server) => server.name).join(', ')}`);
  return chosen.length === 0 ? 1 : 0;
}

function startedOnce(dataDir: string, kind: ServerKind): boolean {
  return existsSync(dataDir) && readdirSync(dataDir).some((entry) => entry.split('-')[0] === kind);
}

/** `kafka-2` is chosen by `kafka`. */
function isChosen(name: string, options: ServicesOptions): boolean {
  return options.only?.some((kind) => kind === name.split('-')[0]) ?? true;
}

const COMMANDS: Readonly<Record<string, (request: Request) => Promise<number>>> = { up, down, status, logs };

/** Runs `npm run services -- ARGV`. Resolves with the exit code: 2 for words that it doesn't know, 1 for failure. */
export async function runServices(argv: readonly string[], output: CommandOutput): Promise<number> {
  const { say } = output;
  try {
    const request = parseRequest(argv, output);
    const command = COMMANDS[request.command];
    if (command !== undefined) return await command(request);
    say(USAGE);
    return request.command === 'help' ? 0 : 2;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Words for a person; what has no code of ours is a bug, and its stack says where.
    const usage = 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    say(error instanceof VedetteError || usage ? error.message : (error.stack ?? error.message));
    return usage || (error instanceof VedetteError && error.code === 'BAD_REQUEST') ? 2 : 1;
  }
}
