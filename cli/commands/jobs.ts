import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { JOB_STATES, type JobState } from '../../batch/job-queue.ts';
import { REPLAY_RAW } from '../../batch/jobs/replay-raw.ts';
import { type JobJson, jobSchema } from '../../console/api/jobs-json.ts';
import type { ApiClient } from '../api-client.ts';
import { type CommandContext, withClient } from '../context.ts';
import { CommandError, EXIT, wholeNumber } from '../exit-code.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../output.ts';
import { printReplay } from '../replay-text.ts';

const PAGE_LIMIT = 500;
/** Between two looks at a job that is waited for, ms. */
const LOOK_MS = 500;
/** Between two words on how far it is, ms. */
const TELL_MS = 5000;

interface ListOptions {
  readonly state?: JobState;
  readonly kind?: string;
  readonly limit: number;
  readonly output: OutputFormat;
}

interface ReplayOptions {
  readonly from: string;
  readonly to: string;
  readonly name?: string;
  readonly wait: boolean;
  readonly output: 'text' | 'json';
}

/** `vedette jobs list|show|cancel|retry`, and `vedette replay`. */
export function addJobsCommands(program: Command, context: CommandContext): void {
  const jobs = program.command('jobs').description('Work that is done later: replays and their history');
  jobs
    .command('list')
    .description('List them, latest added first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(JOB_STATES))
    .option('--kind <kind>', 'only those of this kind')
    .option('--limit <count>', 'at most so many', wholeNumber(1), 100)
    .addOption(new Option('-o, --output <format>', 'how to print them').choices(OUTPUT_FORMATS).default('table'))
    .action(async (options: ListOptions, command: Command) => {
      await withClient(context, command.optsWithGlobals(), (client) => list(client, context, options));
    });
  jobs
    .command('show')
    .description('Show one, with its progress and result')
    .argument('<id>', 'its id')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async (id: string, options: { output: string }, command: Command) => {
      await withClient(context, command.optsWithGlobals(), async (client) => {
        const job = await ask(client, 'GET', pathOf(id));
        await (options.output === 'json' ? context.output.json(job) : show(context, job));
      });
    });
  for (const [action, description] of [
    ['cancel', 'End one: it is never begun, or told to end'],
    ['retry', 'Begin a failed or cancelled one again'],
  ] as const) {
    jobs
      .command(action)
      .description(description)
      .argument('<id>', 'its id')
      .action(async (id: string, _options: unknown, command: Command) => {
        await withClient(context, command.optsWithGlobals(), async (client) => {
          const job = await ask(client, 'POST', `${pathOf(id)}/${action}`, {});
          await context.output.text(`${job.id}: ${job.state}`);
        });
      });
  }
  program
    .command('replay')
    .description('Read stored lines again, with results of their own, and compare the alerts with the live ones')
    .requiredOption('--from <time>', 'event time, inclusive: 24h (ago), or ISO 8601')
    .requiredOption('--to <time>', 'event time, exclusive')
    .option('--name <name>', 'of the results, in replays/NAME of the data folder; the same again begins them afresh')
    .option('--no-wait', 'print the id of the job, and leave it to the instance')
    .addOption(new Option('-o, --output <format>', 'how to print the result').choices(['text', 'json']).default('text'))
    .action(async (options: ReplayOptions, command: Command) => {
      await withClient(context, command.optsWithGlobals(), (client) => replay(client, context, options));
    });
}

const pageSchema = z.object({ items: z.array(jobSchema), next: z.string().optional() });

const CSV_FIELDS = ['id', 'kind', 'state', 'requested_by', 'added', 'started', 'finished', 'starts', 'error'] as const;
const COLUMNS = [
  { title: 'ID', shrink: true },
  { title: 'KIND' },
  { title: 'STATE' },
  { title: 'DONE', align: 'right' },
  { title: 'ADDED' },
  { title: 'FINISHED' },
  { title: 'BY' },
  { title: 'NOTE', shrink: true },
] as const;

async function list(client: ApiClient, { output, notices }: CommandContext, options: ListOptions): Promise<void> {
  const items: JobJson[] = [];
  let cursor: string | undefined;
  do {
    const limit = String(Math.min(PAGE_LIMIT, options.limit - items.length));
    const page: z.output<typeof pageSchema> = await client.json('GET', '/api/v1/jobs', {
      query: { state: options.state, kind: options.kind, limit, cursor },
      schema: pageSchema,
    });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && items.length < options.limit);
  switch (options.output) {
    case 'json':
      await output.json(items);
      break;
    case 'ndjson':
      for (const item of items) await output.ndjson(item);
      break;
    case 'csv':
      await output.csv(CSV_FIELDS);
      for (const item of items) await output.csv(CSV_FIELDS.map((field) => item[field]));
      break;
    case 'table':
      if (items.length === 0) await notices.text('no jobs');
      else await output.table(COLUMNS, items.map(cells));
  }
  if (cursor !== undefined) await notices.text('there are more: raise --limit or narrow the filter');
}

function cells(job: JobJson): string[] {
  const at = (time: string | undefined): string => (time ?? '').slice(0, 19).replace('T', ' ');
  const done = job.progress ? `${Math.round(job.progress.fraction * 100)} %` : '';
  const note = job.error ?? job.progress?.note ?? '';
  return [job.id, job.kind, job.state, done, at(job.added), at(job.finished), job.requested_by, note];
}

async function show({ output }: CommandContext, job: JobJson): Promise<void> {
  const facts: [string, string | number | undefined][] = [
    ['id', job.id],
    ['kind', job.kind],
    ['state', job.cancelled_by === undefined ? job.state : `${job.state} (cancelled by ${job.cancelled_by})`],
    ['asked for', JSON.stringify(job.data)],
    ['by', job.requested_by],
    ['added', job.added],
    ['started', job.started],
    ['finished', job.finished],
    ['starts', job.starts],
    ['progress', job.progress && `${Math.round(job.progress.fraction * 100)} %  ${job.progress.note ?? ''}`],
    ['schedule', job.schedule],
    ['error', job.error],
  ];
  for (const [name, value] of facts) if (value !== undefined) await output.text(`${`${name}:`.padEnd(10)} ${value}`);
  if (job.result !== undefined) await output.text(`\n${JSON.stringify(job.result, undefined, 2)}`);
}

async function replay(client: ApiClient, context: CommandContext, options: ReplayOptions): Promise<void> {
  const { from, to, name, wait, output } = options;
  const added = await ask(client, 'POST', '/api/v1/jobs', { kind: REPLAY_RAW, from, to, name });
  if (!wait) {
    await context.output.text(added.id);
    return;
  }
  await context.notices.text(`job ${added.id}`);
  const job = await ended(client, context, added);
  if (job.state !== 'completed')
    throw new CommandError(EXIT.error, `the replay was ${job.state}: ${job.error ?? 'no reason is known'}`);
  if (output === 'json') await context.output.json(job.result);
  else await printReplay(context, job.result);
}

/** Waits for a job, telling how far it is; ends it when the person wants it to. */
async function ended(client: ApiClient, { signal, notices }: CommandContext, added: JobJson): Promise<JobJson> {
  let job = added;
  let told = '';
  let toldMs = -Infinity;
  let isCancelled = false;
  while (!FINISHED.has(job.state)) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted && !isCancelled) {
      isCancelled = true;
      await ask(client, 'POST', `${pathOf(job.id)}/cancel`, {});
    }
    job = await ask(client, 'GET', pathOf(job.id));
    const note = job.error ?? job.progress?.note ?? '';
    if (note !== told && performance.now() - toldMs >= TELL_MS) {
      told = note;
      toldMs = performance.now();
      await notices.text(note);
    }
    // The signal ends the pause at once: without one the loop would spin.
    if (isCancelled) await sleep(LOOK_MS);
  }
  return job;
}

const FINISHED: ReadonlySet<JobState> = new Set(['completed', 'failed', 'cancelled']);

function ask(client: ApiClient, method: 'GET' | 'POST', path: string, body?: unknown): Promise<JobJson> {
  return client.json(method, path, { ...(body !== undefined && { body }), schema: jobSchema });
}

function pathOf(id: string): string {
  return `/api/v1/jobs/${encodeURIComponent(id)}`;
}
