import { type Command, Option } from 'commander';
import { z } from 'zod';
import { SEVERITIES } from '../../alerts/severity.ts';
import {
  type AlertItem,
  alertItemSchema,
  alertSchema,
  FAMILIES,
  STATUSES,
  VERDICTS,
} from '../../console/api/alert-json.ts';
import {
  printAlertCsv,
  printAlertCsvHeader,
  printAlertCsvLine,
  printAlertLine,
  printAlertTable,
} from '../alert-rows.ts';
import { printAlert } from '../alert-text.ts';
import type { ApiClient } from '../api-client.ts';
import { type CommandContext, withClient } from '../context.ts';
import { wholeNumber } from '../exit-code.ts';
import { alertPageSchema, findAlert } from '../find-alert.ts';
import { followAlerts } from '../follow-alerts.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../output.ts';

const PAGE_LIMIT = 500;

interface ListOptions {
  readonly since?: string;
  readonly until?: string;
  readonly family?: string;
  readonly severity?: string;
  readonly entity?: string;
  readonly detector?: string;
  readonly status?: string;
  readonly open?: true;
  readonly limit: number;
  readonly output: OutputFormat;
  readonly follow?: true;
}

/** `vedette alerts list|show|ack|close`. */
export function addAlertsCommand(program: Command, context: CommandContext): void {
  const alerts = program.command('alerts').description('List, read and triage alerts');
  addList(alerts, context);
  addShow(alerts, context);
  alerts
    .command('ack')
    .description('Take an alert up: its status becomes in progress')
    .argument('<uid>', 'its uid, or the beginning of it')
    .option('--comment <text>', 'what there is to say about it')
    .action(async (uid: string, options: { comment?: string }, command: Command) => {
      await triage(context, command, { uid, action: 'ack', body: { comment: options.comment } });
    });
  alerts
    .command('close')
    .description('Close an alert with a verdict')
    .argument('<uid>', 'its uid, or the beginning of it')
    .addOption(new Option('--verdict <verdict>', 'what it was').choices(VERDICTS).makeOptionMandatory())
    .option('--comment <text>', 'what there is to say about it')
    .action(async (uid: string, options: { verdict: string; comment?: string }, command: Command) => {
      await triage(context, command, { uid, action: 'close', body: options });
    });
}

function addList(alerts: Command, context: CommandContext): void {
  alerts
    .command('list')
    .description('Alerts, last seen first; as ndjson, one OCSF Detection Finding a line')
    .option('--since <time>', 'last seen at or after: 24h, 7d, or ISO 8601')
    .option('--until <time>', 'first seen before: 24h, 7d, or ISO 8601')
    .addOption(new Option('--family <family>', 'kind of alert').choices(FAMILIES))
    .addOption(new Option('--severity <severity>', 'at least this').choices(SEVERITIES))
    .option('--entity <entity>', 'address of a host, name of a device or source')
    .option('--detector <name>', 'with a finding of this detector')
    .addOption(new Option('--status <status>', 'where people are with it').choices(STATUSES))
    .option('--open', 'only those that go on')
    .option('--limit <count>', 'at most so many', wholeNumber(1), 100)
    .addOption(new Option('-o, --output <format>', 'how to print them').choices(OUTPUT_FORMATS).default('table'))
    .option('--follow', 'go on, and print alerts that are new or change')
    .action(async (options: ListOptions, command: Command) => {
      await withClient(context, command.optsWithGlobals(), async (client) => {
        await (options.follow ? follow(client, context, options) : listAlerts(client, context, options));
      });
    });
}

function addShow(alerts: Command, context: CommandContext): void {
  alerts
    .command('show')
    .description('One alert: what was seen and expected, how sure, sample events, the SQL of the raw rows')
    .argument('<uid>', 'its uid, or the beginning of it')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json', 'ocsf']).default('text'))
    .action(async (prefix: string, options: { output: string }, command: Command) => {
      await withClient(context, command.optsWithGlobals(), async (client) => {
        const { uid } = await findAlert(client, prefix);
        const path = `/api/v1/alerts/${uid}`;
        if (options.output === 'text') {
          await printAlert(context.output, await client.json('GET', path, { schema: alertSchema }));
          return;
        }
        const query = { format: options.output === 'ocsf' ? 'ocsf' : 'vedette' };
        await context.output.json(await client.json('GET', path, { query, schema: z.unknown() }));
      });
    });
}

async function triage(
  context: CommandContext,
  command: Command,
  change: { readonly uid: string; readonly action: string; readonly body: object },
): Promise<void> {
  await withClient(context, command.optsWithGlobals(), async (client) => {
    const { uid, version } = await findAlert(client, change.uid);
    const alert = await client.json('POST', `/api/v1/alerts/${uid}/${change.action}`, {
      body: change.body,
      headers: { 'if-match': `"${version}"` },
      schema: alertItemSchema,
    });
    await printAlertLine(context.output, alert);
  });
}

/** Prints the alerts that the options ask for. */
export async function listAlerts(client: ApiClient, context: CommandContext, options: ListOptions): Promise<void> {
  const { output } = context;
  if (options.output === 'ndjson') {
    const { items, hasMore } = await readAll(client, options, { format: 'ocsf', schema: ocsfPageSchema });
    for (const item of items) await output.ndjson(item);
    await noteMore(context, hasMore);
    return;
  }
  const { items, hasMore } = await readAll(client, options, { format: 'vedette', schema: alertPageSchema });
  if (options.output === 'json') await output.json(items);
  if (options.output === 'csv') await printAlertCsv(output, items);
  if (options.output === 'table') {
    if (items.length === 0) await context.notices.text('no alerts');
    else await printAlertTable(output, items);
  }
  await noteMore(context, hasMore);
}

const ocsfPageSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())), next: z.string().optional() });

async function noteMore({ notices }: CommandContext, hasMore: boolean): Promise<void> {
  if (hasMore) await notices.text('there are more: raise --limit or narrow the filter');
}

/** Page by page, up to the limit. */
async function readAll<Item>(
  client: ApiClient,
  options: ListOptions,
  as: { readonly format: string; readonly schema: z.ZodType<{ items: Item[]; next?: string | undefined }> },
): Promise<{ items: Item[]; hasMore: boolean }> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const limit = String(Math.min(PAGE_LIMIT, options.limit - items.length));
    const query = { ...filterOf(options), format: as.format, limit, cursor };
    const page = await client.json('GET', '/api/v1/alerts', { query, schema: as.schema });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined && items.length < options.limit);
  return { items, hasMore: cursor !== undefined };
}

function filterOf(options: ListOptions): Record<string, string | undefined> {
  const { since, until, family, severity, entity, detector, status } = options;
  return { since, until, family, severity, entity, detector, status, open: options.open && 'true' };
}

/** First those that stand, oldest first, then each as it appears or changes; none twice in the same state. */
async function follow(client: ApiClient, context: CommandContext, options: ListOptions): Promise<void> {
  const { output, notices, signal } = context;
  const seen = new Map<string, string>();
  const print = async (item: AlertItem) => {
    const state = `${item.revision}-${item.version}`;
    if (seen.get(item.uid) === state) return;
    seen.set(item.uid, state);
    if (options.output === 'table') await printAlertLine(output, item);
    else if (options.output === 'csv') await printAlertCsvLine(output, item);
    else if (options.output === 'json') await output.ndjson(item);
    else await output.ndjson(await findingOf(client, item.uid));
  };
  if (options.output === 'csv') await printAlertCsvHeader(output);
  await followAlerts(
    client,
    {
      query: { ...filterOf(options), format: 'vedette' },
      signal,
      isOver: () => output.isGone,
      onConnected: async () => {
        const { items } = await readAll(client, options, { format: 'vedette', schema: alertPageSchema });
        for (const item of items.reverse()) await print(item);
      },
      onLost: async () => notices.text('the connection is lost; trying again'),
    },
    print,
  );
}

async function findingOf(client: ApiClient, uid: string): Promise<unknown> {
  return client.json('GET', `/api/v1/alerts/${uid}`, { query: { format: 'ocsf', samples: '0' }, schema: z.unknown() });
}
