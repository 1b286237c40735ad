import { Writable } from 'node:stream';
import { Command } from 'commander';
import { ApiClient } from '../../cli/api-client.ts';
import { addAlertsCommand } from '../../cli/commands/alerts.ts';
import { addDeadLettersCommand } from '../../cli/commands/dead-letters.ts';
import { addJobsCommands } from '../../cli/commands/jobs.ts';
import { addSqlCommand } from '../../cli/commands/sql.ts';
import { addStatusCommand } from '../../cli/commands/status.ts';
import type { CommandContext } from '../../cli/context.ts';
import { exitCodeOf } from '../../cli/exit-code.ts';
import { injectTransport } from '../../cli/inject-transport.ts';
import { Output } from '../../cli/output.ts';
import type { Fixture } from '../console/console-fixture.ts';

/** A stream that keeps what it is given: a terminal if it has columns. */
export class Captured extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(columns?: number) {
    super({
      write: (chunk: Buffer, _encoding, done) => {
        this.text += chunk.toString();
        done();
      },
    });
    this.isTTY = columns !== undefined;
    this.columns = columns ?? 0;
  }
}

export interface Run {
  readonly exitCode: number;
  readonly output: string;
  readonly notices: string;
  readonly error: string;
}

export interface RunOptions {
  readonly columns?: number;
  readonly input?: string;
  readonly environment?: Record<string, string>;
  readonly connect?: CommandContext['connect'];
  readonly signal?: AbortSignal;
  readonly output?: Captured;
}

/** Runs a command line against the server of a fixture, in this process. */
export async function run(fixture: Fixture, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const output = options.output ?? new Captured(options.columns);
  const notices = new Captured();
  const environment = options.environment ?? {};
  const server = { inject: fixture.server.inject.bind(fixture.server), close: async () => undefined };
  const context: CommandContext = {
    connect: options.connect ?? (async () => new ApiClient(injectTransport(server))),
    output: new Output(output, environment),
    notices: new Output(notices, environment),
    input: (async function* () {
      yield options.input ?? '';
    })(),
    signal: options.signal ?? new AbortController().signal,
  };
  let usage = '';
  const program = new Command('vedette')
    .exitOverride()
    .configureOutput({ writeErr: (text) => (usage += text), writeOut: (text) => (usage += text) });
  addAlertsCommand(program, context);
  addSqlCommand(program, context);
  addDeadLettersCommand(program, context);
  addStatusCommand(program, context);
  addJobsCommands(program, context);
  try {
    await program.parseAsync(['node', 'vedette', ...args]);
    return { exitCode: 0, output: output.text, notices: notices.text, error: '' };
  } catch (error) {
    const message = usage === '' && error instanceof Error ? error.message : usage;
    return { exitCode: exitCodeOf(error), output: output.text, notices: notices.text, error: message };
  }
}
