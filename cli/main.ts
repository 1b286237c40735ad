#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { VedetteError } from '../model/errors.ts';
import { addAlertsCommand } from './commands/alerts.ts';
import { addAnalyzeCommand } from './commands/analyze.ts';
import { addClickhouseCommand } from './commands/clickhouse.ts';
import { addDeadLettersCommand } from './commands/dead-letters.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addJobsCommands } from './commands/jobs.ts';
import { addRunCommands } from './commands/run.ts';
import { addSqlCommand } from './commands/sql.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTopologyCommand } from './commands/topology.ts';
import { connect } from './connect.ts';
import type { CommandContext } from './context.ts';
import { CommandError, EXIT, exitCodeOf } from './exit-code.ts';
import { Output } from './output.ts';
import { VERSION } from './version.ts';

async function main(argv: readonly string[]): Promise<number> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => ending.abort(new CommandError(EXIT.error, 'interrupted')));
  const context: CommandContext = {
    connect,
    output: new Output(process.stdout, process.env),
    notices: new Output(process.stderr, process.env),
    input: process.stdin,
    signal: ending.signal,
  };
  const program = new Command('vedette')
    .description('Security-operations anomaly pipeline: logs in, explained alerts and SQL out')
    .version(VERSION)
    .option('--data <dir>', 'folder of the data', 'var')
    .option('--url <url>', 'instance to talk to; default: the one that runs on the data folder')
    .option('--config <file>', 'configuration, YAML or JSON')
    .exitOverride();
  addRunCommands(program, context);
  addAnalyzeCommand(program, context);
  addAlertsCommand(program, context);
  addSqlCommand(program, context);
  addDeadLettersCommand(program, context);
  addStatusCommand(program, context);
  addJobsCommands(program, context);
  addDoctorCommand(program, context);
  addTopologyCommand(program, context);
  addClickhouseCommand(program, context);
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    // Commander has said already what was wrong with the words of the command.
    if (!(error instanceof CommanderError)) await context.notices.text(`vedette: ${messageOf(error)}`);
    return exitCodeOf(error);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof VedetteError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exitCode = await main(process.argv);
