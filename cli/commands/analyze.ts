import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { analyze, type AnalyzeSummary } from '../analyze-run.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { EmbeddedBackend } from '../embedded-backend.ts';
import { injectTransport } from '../inject-transport.ts';
import { createNotices } from '../notices.ts';
import { OUTPUT_FORMATS, type OutputFormat } from '../output.ts';
import { ProgressBar } from '../progress-bar.ts';
import { createConsole } from '../serve.ts';
import { listAlerts } from './alerts.ts';

interface AnalyzeCommandOptions {
  readonly output: OutputFormat;
  readonly internal?: string;
  readonly format?: string;
  readonly config?: string;
  /** Set by the person, not by default: the store stays. */
  readonly data?: string;
}

/** `vedette analyze PATH…`: reads logs as if live, and prints the alerts. */
export function addAnalyzeCommand(program: Command, context: CommandContext): void {
  program
    .command('analyze')
    .description('Read logs (files and folders, gzip too) as if live, and print the alerts')
    .argument('<path...>', 'files and folders')
    .addOption(new Option('-o, --output <format>', 'how to print the alerts').choices(OUTPUT_FORMATS).default('table'))
    .option('--internal <cidr,…>', 'the internal networks; default RFC 1918 and RFC 4193')
    .option('--format <name>', 'format of every file; default: by content, or by a mapping of the configuration')
    .action(async (paths: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<AnalyzeCommandOptions>();
      const isKept = command.parent?.getOptionValueSource('data') === 'cli';
      const config = loadConfig(options.config);
      const bar = new ProgressBar(process.stderr);
      const onNotice = createNotices(context.notices);
      await analyze(
        {
          paths,
          config: options.internal === undefined ? config : { ...config, internal: options.internal.split(',') },
          ...(isKept && options.data !== undefined ? { dataDir: resolve(options.data) } : {}),
          ...(options.format === undefined ? {} : { format: options.format }),
          signal: context.signal,
          onNotice: (level, message) => {
            if (level !== 'info') onNotice(level, message);
          },
          onProgress: ({ readBytes, totalBytes }) => bar.show(readBytes, totalBytes),
        },
        async (instance, summary) => {
          bar.end();
          const backend = new EmbeddedBackend(instance, { isSample: false });
          const client = new ApiClient(injectTransport(createConsole(backend, onNotice)));
          await listAlerts(client, context, { output: options.output, limit: 1_000_000 });
          await client.close();
          backend.close();
          await printSummary(context, summary);
        },
      );
    });
}

async function printSummary({ notices }: CommandContext, summary: AnalyzeSummary): Promise<void> {
  const { hosts, targets, devices, series, elapsedMs } = summary;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
      .join(', ') || 'none';
  const rate = Math.round((summary.events * 1000) / elapsedMs);
  await notices.text(
    [
      `events        ${summary.events.toLocaleString('en')} (${list(summary.recordsByFormat)})`,
      `dead letters  ${list(summary.deadLetters)}`,
      `late          ${summary.late.toLocaleString('en')}`,
      ...(summary.duplicates > 0 ? [`duplicates    ${summary.duplicates.toLocaleString('en')}`] : []),
      `entities      ${hosts} hosts, ${targets} targets, ${devices} devices, ${series} series`,
      `time          ${(elapsedMs / 1000).toFixed(1)} s, ${rate.toLocaleString('en')} events/s`,
      ...(summary.external > 0 && summary.hosts === 0
        ? [`hint          no record has an internal end: name your networks with --internal CIDR,…`]
        : []),
      ...summary.skipped.map(({ path, reason }) => `not read      ${path}: ${reason}`),
    ].join('\n'),
  );
}
