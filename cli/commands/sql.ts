import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../api-client.ts';
import { type CommandContext, withClient } from '../context.ts';
import { type CsvCell, parseCsv } from '../csv.ts';
import { CommandError, EXIT, wholeNumber } from '../exit-code.ts';
import { type Output, OUTPUT_FORMATS, type OutputFormat } from '../output.ts';

const MAX_STATEMENT_BYTES = 1_000_000;

interface SqlOptions {
  readonly output: OutputFormat;
  readonly param: Readonly<Record<string, string>>;
  readonly maxRows: number;
  readonly list?: true;
  readonly named?: string;
}

/** `vedette sql`. */
export function addSqlCommand(program: Command, context: CommandContext): void {
  program
    .command('sql')
    .description('Ask the store: a statement of your own, or a ready query')
    .argument('[statement]', 'a SELECT over the views of vedette (events, net_1m, …); - reads it from standard input')
    .option('--list', 'list the ready queries and their parameters')
    .option('--named <query>', 'run a ready query')
    .option('--param <name=value>', 'value of a {name:Type} in the statement; may be given again', parameter, {})
    .option('--max-rows <count>', 'refuse a result of more', wholeNumber(1), 10_000)
    .addOption(new Option('-o, --output <format>', 'how to print the rows').choices(OUTPUT_FORMATS).default('table'))
    .action(async (statement: string | undefined, options: SqlOptions, command: Command) => {
      const asked = [statement !== undefined, options.list === true, options.named !== undefined].filter(
        Boolean,
      ).length;
      if (asked !== 1) throw new CommandError(EXIT.usage, 'give one of: a statement, --named QUERY, --list');
      const query = statement === '-' ? await readStatement(context.input) : statement;
      await withClient(context, command.optsWithGlobals(), async (client) => {
        if (options.list) await listQueries(client, context.output, options.output);
        else await run(client, context, query, options);
      });
    });
}

function parameter(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const match = /^([A-Za-z_]\w*)=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError('Write it as name=value.');
  return { ...before, [match[1]!]: match[2]! };
}

async function readStatement(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of input) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > MAX_STATEMENT_BYTES) throw new CommandError(EXIT.usage, 'the statement is too long');
  }
  return text;
}

async function run(
  client: ApiClient,
  context: CommandContext,
  statement: string | undefined,
  options: SqlOptions,
): Promise<void> {
  const { output } = context;
  const path = options.named === undefined ? '/api/v1/sql' : `/api/v1/queries/${encodeURIComponent(options.named)}`;
  const text = await client.text('POST', path, {
    body: {
      ...(statement !== undefined && { query: statement }),
      parameters: options.param,
      // A table is made of CSV too: its numbers are digits, not rounded, and its header is there without rows.
      format: options.output === 'table' ? 'csv' : options.output,
      max_rows: options.maxRows,
    },
  });
  if (options.output === 'json' || options.output === 'ndjson') {
    await output.jsonText(text);
    return;
  }
  const rows = parseCsv(text);
  if (options.output === 'csv') for (const row of rows) await output.csv(row.map(csvValue));
  else await printTable(output, rows);
}

/** What stands without quotes is a number or nothing, and stays as it is. */
function csvValue({ text, isQuoted }: CsvCell): string {
  return !isQuoted && text === '\\N' ? '' : text;
}

async function printTable(output: Output, rows: readonly (readonly CsvCell[])[]): Promise<void> {
  const [header, ...body] = rows;
  if (header === undefined) return;
  const columns = header.map(({ text }, index) => {
    const isNumeric = body.length > 0 && body.every((row) => row[index]?.isQuoted === false);
    return { title: text, align: isNumeric ? ('right' as const) : ('left' as const), shrink: !isNumeric };
  });
  await output.table(
    columns,
    body.map((row) => row.map(csvValue)),
  );
}

const queriesSchema = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      description: z.string(),
      parameters: z.object({
        properties: z.record(z.string(), z.unknown()).default({}),
        required: z.array(z.string()).default([]),
      }),
    }),
  ),
});

async function listQueries(client: ApiClient, output: Output, format: OutputFormat): Promise<void> {
  const { items } = await client.json('GET', '/api/v1/queries', { schema: queriesSchema });
  if (format === 'json') return output.json(items);
  const rows = items.map(({ name, title, parameters }) => [name, parameterNames(parameters), title]);
  if (format === 'csv') {
    for (const row of [['name', 'parameters', 'title'], ...rows]) await output.csv(row);
    return;
  }
  if (format === 'ndjson') {
    for (const item of items) await output.ndjson(item);
    return;
  }
  await output.table(
    [{ title: 'QUERY' }, { title: 'PARAMETERS', shrink: true }, { title: 'WHAT', shrink: true }],
    rows,
  );
}

/** `from to limit?`: those that may be left out have a question mark. */
function parameterNames(schema: { properties: Record<string, unknown>; required: readonly string[] }): string {
  return Object.keys(schema.properties)
    .map((name) => (schema.required.includes(name) ? name : `${name}?`))
    .join(' ');
}
