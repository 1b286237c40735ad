import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { csvMappings } from '../../config/csv-mappings.ts';
import { loadConfig } from '../../config/load.ts';
import { readSections } from '../../config/server-sections.ts';
import type { Config } from '../../config/schema.ts';
import { FileDoor } from '../../ingest/file-door.ts';
import { StreamSource } from '../../ingest/sources/stream-source.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT, wholeNumber } from '../exit-code.ts';
import { ROLES, type Role } from '../roles.ts';
import { feedStream } from '../feed-stream.ts';
import { createNotices } from '../notices.ts';
import { clearSample, replaySample, sampleConfig } from '../sample-run.ts';
import { serve, type Serving } from '../serve.ts';

/** How long files and standard input may take to end, ms. */
const FEEDS_END_MS = 5000;

interface RunOptions {
  readonly data: string;
  readonly config?: string;
  readonly port?: number;
  readonly internal?: string;
}

/** `vedette run`: one's own data. `vedette start`: a generated sample, to look around in. */
export function addRunCommands(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description('Run the pipeline on your own data: HTTP, followed files, standard input')
    .option('--port <port>', 'port of the console on 127.0.0.1; 0 takes any', wholeNumber(0))
    .option('--internal <cidr,…>', 'the internal networks')
    .option(
      '--follow <path...>',
      'file or folder to follow, beside those of the configuration; may be repeated',
      collect,
      [],
    )
    .option('--stdin', 'read standard input as well')
    .option(
      '--role <role,…>',
      `part of a cluster: ${ROLES.join(', ')}, or all of them (all); servers as the configuration or VEDETTE_* name them`,
      rolesOf,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        RunOptions & { follow: string[]; stdin?: true; role?: ReadonlySet<Role> }
      >();
      const dataDir = resolve(options.data);
      const { notices } = context;
      if (options.role) return runCluster({ ...options, role: options.role }, context);
      const config = configOf(options);
      const serving = await serve({
        dataDir,
        announceIn: [dataDir],
        config,
        isSample: false,
        onNotice: createNotices(notices),
      });
      await notices.text(`Vedette runs at ${serving.url}  (data in ${dataDir})`);
      const doors = await openFileDoors(serving, config, options.follow, createNotices(notices));
      const stdin = options.stdin ? openStdin() : undefined;
      const feeds = [...doors.map((door) => door.run()), ...(stdin ? [feedStdin(stdin, serving, context)] : [])];
      await untilStopped(serving, context, feeds, async () => {
        for (const door of doors) await door.close();
        await stdin?.close();
        // What they have read is written before the log closes, unless that takes nothing.
        await Promise.race([Promise.allSettled(feeds), sleep(FEEDS_END_MS, undefined, { ref: false })]);
      });
    });
  program
    .command('start')
    .description('Start with a generated sample: a small office and a water plant, one day with four incidents')
    .option('--port <port>', 'port of the console on 127.0.0.1; 0 takes any', wholeNumber(0))
    .option('--sample-seed <seed>', 'which day is generated', wholeNumber(0), 1)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RunOptions & { sampleSeed: number }>();
      const root = resolve(options.data);
      const dataDir = resolve(root, 'sample');
      const { notices } = context;
      clearSample(dataDir);
      const config = sampleConfig(configOf(options));
      const serving = await serve({
        dataDir,
        announceIn: [dataDir, root],
        config,
        isSample: true,
        onNotice: createNotices(notices),
      });
      await notices.text(`Vedette runs at ${serving.url}  (sample data in ${dataDir})`);
      const replay = replaySample(serving.instance, { seed: options.sampleSeed, nowMs: Date.now() }).then(async () => {
        const { open, total } = await serving.backend.alerts.counts();
        await notices.text(
          `The sample day is in: ${serving.instance.pipeline.counters.events} events, ${total} alerts (${open} ongoing). ` +
            `Look at ${serving.url}, or try: npx vedette alerts list. It keeps running and listening; Ctrl-C ends it.`,
        );
      });
      await untilStopped(serving, context, [replay], () => Promise.resolve());
    });
}

async function runCluster(
  options: RunOptions & { readonly follow: readonly string[]; readonly stdin?: true; readonly role: ReadonlySet<Role> },
  context: CommandContext,
): Promise<void> {
  if (options.stdin)
    throw new CommandError(EXIT.usage, 'standard input is read by the embedded form only: leave --role out');
  const config = overridden(readSections(options.config, process.env).config, options);
  const follow = [...config.sources.follow, ...options.follow.map((path) => ({ path }))];
  const { serveCluster } = await import('../serve-cluster.ts');
  const serving = await serveCluster({
    config: { ...config, sources: { ...config.sources, follow } },
    roles: options.role,
    dataDir: resolve(options.data),
    onNotice: createNotices(context.notices),
  });
  await context.notices.text(`Vedette runs as ${[...options.role].join(', ')}; it answers at ${serving.url}`);
  try {
    await Promise.race([untilAborted(context.signal), serving.cluster.failed]);
  } finally {
    await serving.stop();
  }
}

function rolesOf(value: string): ReadonlySet<Role> {
  const names = value === 'all' ? [...ROLES] : value.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(ROLES as readonly string[]).includes(name));
  if (unknown.length > 0 || names.length === 0)
    throw new InvalidArgumentError(`there is no role ${unknown.join(', ')}; write some of ${ROLES.join(', ')}, or all`);
  return new Set(names as Role[]);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function configOf(options: RunOptions): Config {
  return overridden(loadConfig(options.config), options);
}

/** With what the command line says. */
function overridden(config: Config, options: RunOptions): Config {
  return {
    ...config,
    ...(options.internal === undefined ? {} : { internal: options.internal.split(',') }),
    http: { ...config.http, ...(options.port === undefined ? {} : { port: options.port }) },
  };
}

async function openFileDoors(
  serving: Serving,
  config: Config,
  paths: readonly string[],
  onNotice: ReturnType<typeof createNotices>,
): Promise<FileDoor[]> {
  const { pipeline, sourceStates } = serving.instance;
  const given = [...config.sources.follow, ...paths.map((path) => ({ path, format: undefined }))];
  return Promise.all(
    given.map(({ path, format }) =>
      FileDoor.open({
        pipeline,
        states: sourceStates,
        paths: [path],
        mappings: csvMappings(config),
        onNotice,
        ...(format === undefined ? {} : { format }),
      }),
    ),
  );
}

function openStdin(): StreamSource {
  return new StreamSource(process.stdin, { path: 'stdin', incarnation: `stdin#${Date.now()}` });
}

async function feedStdin(source: StreamSource, serving: Serving, context: CommandContext): Promise<void> {
  await feedStream(source, serving.instance.pipeline, csvMappings(serving.instance.options.config));
  if (!context.signal.aborted) await context.notices.text('Standard input has ended; the pipeline keeps running.');
}

/** Runs until the person ends it or a part fails for good; then stops in order. */
async function untilStopped(
  serving: Serving,
  context: CommandContext,
  feeds: readonly Promise<unknown>[],
  closeDoors: () => Promise<void>,
): Promise<void> {
  const stopped = untilAborted(context.signal);
  const broken = new Promise<never>((_, reject) => {
    for (const feed of feeds) feed.catch(reject);
  });
  try {
    await Promise.race([stopped, serving.instance.failed, broken]);
  } finally {
    await closeDoors();
    await serving.stop();
  }
}
