import { Command } from 'commander';
import { addTopologyCommand } from '../../cli/commands/topology.ts';
import { exitCodeOf } from '../../cli/exit-code.ts';
import { Output } from '../../cli/output.ts';
import { Captured } from './command-fixture.ts';

/** Runs `vedette topology` in this process, with this environment and no other. */
export async function topology(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly exitCode: number; readonly output: string; readonly error: unknown }> {
  const captured = new Captured();
  const program = new Command('vedette').option('--config <file>').exitOverride();
  const { signal } = new AbortController();
  addTopologyCommand(program, { output: new Output(captured, {}), signal }, environment);
  try {
    await program.parseAsync(args, { from: 'user' });
    return { exitCode: 0, output: captured.text, error: undefined };
  } catch (error) {
    return { exitCode: exitCodeOf(error), output: captured.text, error };
  }
}
