import { type Command, Option } from 'commander';
import { readSections } from '../../config/server-sections.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT, wholeNumber } from '../exit-code.ts';
import { adviceOf } from '../topology/advice.ts';
import { printTopology } from '../topology/print.ts';
import { viewOf } from '../topology/view.ts';

const SERVERS_ASKED = ['kafka', 'cassandra'] as const;

/** `vedette topology`: exit code 0 where Kafka and Cassandra told all, 4 where one did not. */
export function addTopologyCommand(
  program: Command,
  context: Pick<CommandContext, 'output' | 'signal'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  program
    .command('topology')
    .description('Who works on which partition of a cluster, how far behind, with which checkpoint; and what to do')
    .option('--over <seconds>', 'looks twice, so many seconds apart, to see which lag grows', wholeNumber(0), 2)
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
    .action(async (options: { output: string; over: number }, command: Command) => {
      const { config: path } = command.optsWithGlobals<{ config?: string }>();
      const { config, servers } = readSections(path, environment);
      if (!SERVERS_ASKED.some((server) => servers.includes(server))) {
        throw new CommandError(
          EXIT.usage,
          'neither the configuration nor VEDETTE_* names Kafka or Cassandra: there is no cluster; of one process `vedette status` tells',
        );
      }
      // Their clients are not loaded by commands that need none.
      const { gatherTopology } = await import('../topology/gather.ts');
      const facts = await gatherTopology(config, { overMs: options.over * 1000, signal: context.signal });
      const { checkpointMs } = config.stream;
      const view = viewOf(facts, { checkpointMs });
      const { problems } = facts;
      const advice = adviceOf(view, { problems, checkpointMs, partitions: config.log.partitions });
      if (options.output === 'json') await context.output.json({ ...view, advice });
      else await printTopology(context.output, view, advice);
      const silent = SERVERS_ASKED.filter((server) => problems.some((problem) => problem.server === server));
      if (silent.length > 0) throw new CommandError(EXIT.unreachable, `not all is known: ${silent.join(' and ')}`);
    });
}
