import { type Command, Option } from 'commander';
import { z } from 'zod';
import { type DeadLetterItem, deadLetterItemSchema, deadLetterSchema } from '../../console/api/dead-letter-json.ts';
import type { ApiClient } from '../api-client.ts';
import { type CommandContext, withClient } from '../context.ts';
import { wholeNumber } from '../exit-code.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../output.ts';

const PAGE_LIMIT = 500;

interface Filter {
  readonly reason?: string;
  readonly source?: string;
  readonly format?: string;
  readonly pending?: true;
}

const CSV_FIELDS = [
  'id',
  'received',
  'reason',
  'format',
  'source',
  'position',
  'size_bytes',
  'replayed',
  'preview',
] as const satisfies readonly (keyof DeadLetterItem)[];

/** `vedette dead-letters list|show|replay`. */
export function addDeadLettersCommand(program: Command, context: CommandContext): void {
  const letters = program.command('dead-letters').description('Records that could not be read');
  withFilter(letters.command('list').description('List them, newest first'))
    .option('--pending', 'only those not replayed yet')
    .option('--limit <count>', 'at most so many', wholeNumber(1), 100)
    .addOption(new Option('-o, --output <format>', 'how to print them').choices(OUTPUT_FORMATS).default('table'))
    .action(async (options: Filter & { limit: number; output: OutputFormat }, command: Command) => {
      await withClient(context, command.optsWithGlobals(), (client) => list(client, context, options));
    });
  letters
    .command('show')
    .description('Show one, as it was kept')
    .argument('<id>', 'its id', wholeNumber(0))
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async (id: number, options: { output: string }, command: Command) => {
      await withClient(context, command.optsWithGlobals(), (client) => show(client, context, { id, ...options }));
    });
  withFilter(letters.command('replay').description('Read them again, once what was wrong is mended'))
    .argument('[ids...]', 'their ids; without any, all that the filter leaves')
    .option('--all', 'those replayed before, too')
    .action(async (ids: readonly string[], options: Filter & { all?: true }, command: Command) => {
      await withClient(context, command.optsWithGlobals(), (client) => replay(client, context, { ids, ...options }));
    });
}

function withFilter(command: Command): Command {
  return command
    .option('--reason <reason>', 'why they could not be read, such as bad_time')
    .option('--source <id>', 'where they came from')
    .option('--format <name>', 'what they were read as, such as zeek-json');
}

const pageSchema = z.object({ items: z.array(deadLetterItemSchema), next: z.string().optional() });

async function list(
  client: ApiClient,
  { output, notices }: CommandContext,
  options: Filter & { readonly limit: number; readonly output: OutputFormat },
): Promise<void> {
  const { reason, source, format, pending } = options;
  const items: DeadLetterItem[] = [];
  let cursor: string | undefined;
  do {
    const limit = String(Math.min(PAGE_LIMIT, options.limit - items.length));
    const page: z.output<typeof pageSchema> = await client.json('GET', '/api/v1/dead-letters', {
      query: { reason, source, format, pending: pending && 'true', limit, cursor },
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
      if (items.length === 0) await notices.text('no dead letters');
      else await output.table(COLUMNS, items.map(cells));
  }
  if (cursor !== undefined) await notices.text('there are more: raise --limit or narrow the filter');
}

const COLUMNS = [
  { title: 'ID', align: 'right' },
  { title: 'RECEIVED' },
  { title: 'REASON' },
  { title: 'FORMAT' },
  { title: 'SOURCE', shrink: true },
  { title: 'BYTES', align: 'right' },
  { title: 'RECORD', shrink: true },
] as const;

function cells(item: DeadLetterItem): string[] {
  const received = (item.received ?? '').slice(0, 19).replace('T', ' ');
  return [String(item.id), received, item.reason, item.format, item.source, String(item.size_bytes), item.preview];
}

async function show(
  client: ApiClient,
  { output }: CommandContext,
  options: { readonly id: number; readonly output: string },
): Promise<void> {
  const letter = await client.json('GET', `/api/v1/dead-letters/${options.id}`, { schema: deadLetterSchema });
  if (options.output === 'json') return output.json(letter);
  const facts: [string, string | number | undefined][] = [
    ['reason', letter.reason],
    ['format', letter.format],
    ['source', letter.source],
    ['position', letter.position],
    ['received', letter.received],
    ['replayed', letter.replayed ?? 'no'],
    ['bytes', `${letter.size_bytes}${letter.is_cut ? ' (the rest was not kept)' : ''}`],
  ];
  for (const [name, value] of facts) await output.text(`${`${name}:`.padEnd(10)} ${value ?? ''}`);
  await output.text(`\n${letter.text}`);
}

async function replay(
  client: ApiClient,
  { output }: CommandContext,
  options: Filter & { readonly ids: readonly string[]; readonly all?: true },
): Promise<void> {
  const { reason, source, format } = options;
  const ids = options.ids.map(wholeNumber(0));
  const result = await client.json('POST', '/api/v1/dead-letters/replay', {
    body: { reason, source, format, pending: options.all !== true, ...(ids.length > 0 && { ids }) },
    schema: z.object({ replayed: z.int(), events: z.int(), dead_letters: z.int() }),
  });
  await output.text(
    `${result.replayed} read again: ${result.events} events, ${result.dead_letters} could still not be read`,
  );
}
