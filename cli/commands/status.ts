import { type Command, Option } from 'commander';
import { type StatusJson, statusSchema } from '../../console/api/status-json.ts';
import { visibleText } from '../../console/visible-text.ts';
import { type CommandContext, withClient } from '../context.ts';
import type { Output } from '../output.ts';

/** `vedette status`. */
export function addStatusCommand(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('What arrives from where, rates, lag, checkpoints; when nothing arrives, what to check')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async (options: { output: string }, command: Command) => {
      await withClient(context, command.optsWithGlobals(), async (client) => {
        const status = await client.json('GET', '/api/v1/status', { schema: statusSchema });
        await (options.output === 'json' ? context.output.json(status) : print(context.output, status));
      });
    });
}

async function print(output: Output, status: StatusJson): Promise<void> {
  const nowMs = Date.parse(status.now ?? '');
  const ago = (time: string | undefined) => (time === undefined ? 'never' : `${seconds(nowMs - Date.parse(time))} ago`);
  const { totals } = status;
  await output.text(`Vedette ${status.version}, ${status.data_dir}${status.is_sample ? ' (sample data)' : ''}`);
  await output.text(
    `${rate(status.events_per_second)} events/s; ${totals.events} events, ${totals.late} late, ${totals.duplicates} duplicates dropped, ${totals.dead_letters} dead letters`,
  );
  await output.text(
    `watermark ${status.watermark ?? 'none yet'}; last checkpoint ${status.last_checkpoint === undefined ? 'none yet' : ago(status.last_checkpoint)}; ${status.alerts.open} open alerts of ${status.alerts.total}`,
  );
  await output.text(
    `${status.entities.hosts} hosts, ${status.entities.targets} targets, ${status.entities.devices} devices, ${status.entities.series} series; event log ${bytes(status.log_bytes)}`,
  );
  if (status.note !== undefined) await output.text(`Note: ${status.note}`);
  if (status.advice.length > 0) {
    await heading(output, 'To check');
    for (const text of status.advice) await output.text(`- ${visibleText(text)}`);
  }
  if (status.sources.length > 0) {
    await heading(output, 'Sources');
    await output.table(
      [
        { title: 'SOURCE', shrink: true },
        { title: 'FORMAT' },
        { title: 'STATE' },
        { title: 'EVENTS', align: 'right' },
        { title: '/S', align: 'right' },
        { title: 'LATE', align: 'right' },
        { title: 'UNREADABLE', align: 'right' },
        { title: 'LAST', align: 'right' },
        { title: 'WATERMARK' },
      ],
      status.sources.map((source) => [
        source.source,
        source.format,
        source.state,
        String(source.events),
        rate(source.events_per_second),
        String(source.late),
        String(source.dead_letters),
        ago(source.last_received),
        source.watermark ?? '',
      ]),
    );
  }
  await heading(output, 'Partitions');
  await output.table(
    [
      { title: 'STAGE', align: 'right' },
      { title: 'PARTITION', align: 'right' },
      { title: 'OFFSET', align: 'right' },
      { title: 'BEHIND', align: 'right' },
      { title: 'CLOSED UP TO' },
      { title: 'CHECKPOINT', align: 'right' },
    ],
    status.partitions.map((entry) => [
      String(entry.stage),
      String(entry.partition),
      String(entry.offset),
      String(entry.lag),
      entry.closed_up_to ?? '',
      ago(entry.checkpoint?.at),
    ]),
  );
  await heading(output, `ClickHouse: ${visibleText(status.olap.state)}`);
  await output.table(
    [{ title: 'TABLE' }, { title: 'ROWS', align: 'right' }, { title: 'SIZE', align: 'right' }],
    status.olap.tables.map((table) => [table.name, String(table.rows), bytes(table.bytes)]),
  );
  const lag = status.sink.reduce((sum, entry) => sum + entry.lag, 0);
  if (lag > 0) await output.text(`${lag} records are not stored yet`);
  await counts(output, 'Dead letters', status.dead_letters);
  await counts(output, 'Dropped', status.dropped);
}

async function counts(output: Output, title: string, byReason: Readonly<Record<string, number>>): Promise<void> {
  const entries = Object.entries(byReason).filter(([, count]) => count > 0);
  if (entries.length === 0) return;
  await heading(output, title);
  await output.table(
    [{ title: 'REASON' }, { title: 'RECORDS', align: 'right' }],
    entries.map(([reason, count]) => [reason, String(count)]),
  );
}

async function heading(output: Output, text: string): Promise<void> {
  await output.write(`\n${output.paint('bold', text)}\n`);
}

function seconds(elapsedMs: number): string {
  const elapsed = Math.max(0, Math.round(elapsedMs / 1000));
  if (elapsed < 120) return `${elapsed} s`;
  if (elapsed < 7200) return `${Math.round(elapsed / 60)} min`;
  return elapsed < 172_800 ? `${Math.round(elapsed / 3600)} h` : `${Math.round(elapsed / 86_400)} d`;
}

function rate(perSecond: number): string {
  return perSecond >= 100 || perSecond === 0 ? String(Math.round(perSecond)) : perSecond.toPrecision(2);
}

function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const unit = Math.min(4, Math.floor(Math.log10(size) / 3));
  return `${Number((size / 1000 ** unit).toPrecision(3))} ${['B', 'kB', 'MB', 'GB', 'TB'][unit]!}`;
}
