import { type Command, Option } from 'commander';
import { visibleText } from '../../console/visible-text.ts';
import type { Config } from '../../config/schema.ts';
import type { CommandContext } from '../context.ts';
import { type CheckGroup, type Level, type Result, runChecks } from '../doctor/check.ts';
import { machineChecks } from '../doctor/machine-checks.ts';
import { readSections, type Server } from '../../config/server-sections.ts';
import { CommandError, EXIT } from '../exit-code.ts';
import type { Colour, Output } from '../output.ts';
import { clusterTopics } from '../topics.ts';

/** Of each check; servers are asked side by side. */
const TIMEOUT_MS = 5000;

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const satisfies Record<Level, Colour>;

/** `vedette doctor`: exit code 0 where nothing must be done, 1 where something must. */
export function addDoctorCommand(
  program: Command,
  context: Pick<CommandContext, 'output'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  program
    .command('doctor')
    .description('Checks this machine and every server that the configuration names, and says what to do')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['table', 'json']).default('table'))
    .action(async (options: { output: string }, command: Command) => {
      const { config: path, data } = command.optsWithGlobals<{ config?: string; data?: string }>();
      const { config, servers } = readSections(path, environment);
      const machine = machineChecks({
        logBytes: config.log.maxBytes,
        ...(servers.length === 0 && { dataDir: data ?? 'var' }),
      });
      const groups = await Promise.all(servers.map((server) => checksOf(server, config)));
      const results = await runChecks([machine, ...groups], TIMEOUT_MS);
      const failed = results.filter(({ level }) => level === 'fail').length;
      if (options.output === 'json') await context.output.json({ ok: failed === 0, checks: results });
      else await print(context.output, results);
      if (failed > 0)
        throw new CommandError(EXIT.error, `${failed} of ${results.length} checks ask for something to be done`);
    });
}

/** Loads the client of this server, and of no other. */
async function checksOf(server: Server, config: Config): Promise<CheckGroup> {
  switch (server) {
    case 'kafka':
      return (await import('../doctor/kafka-checks.ts')).kafkaChecks(config.kafka, clusterTopics(config));
    case 'pulsar':
      return (await import('../doctor/pulsar-checks.ts')).pulsarChecks(config.pulsar);
    case 'cassandra':
      return (await import('../doctor/cassandra-checks.ts')).cassandraChecks(config.cassandra);
    case 'redis':
      return (await import('../doctor/redis-checks.ts')).redisChecks(config.redis);
    case 'clickhouse':
      return (await import('../doctor/clickhouse-checks.ts')).clickhouseChecks(config.clickhouse);
  }
}

/** The table, then the advice in full: a table cuts what is too wide. */
async function print(output: Output, results: readonly Result[]): Promise<void> {
  await output.table(
    [{ title: 'SERVER' }, { title: 'CHECK' }, { title: 'LEVEL' }, { title: 'FOUND', shrink: true }],
    results.map(({ server, check, level, found }) => [server, check, level, found.replace(/\s+/g, ' ')]),
  );
  const advised = results.filter(({ level }) => level !== 'ok');
  if (advised.length > 0) await output.write(`\n${output.paint('bold', 'To do')}\n`);
  for (const { server, check, level, found, advice } of advised) {
    const mark = output.paint(COLOURS[level], level === 'fail' ? 'must' : 'should');
    const what = visibleText(`${server}, ${check}: ${advice ?? found}`);
    await output.write(`- ${mark}  ${what}\n`);
  }
}
