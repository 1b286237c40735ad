import { Command } from 'commander';
import { addDoctorCommand } from '../../cli/commands/doctor.ts';
import { exitCodeOf } from '../../cli/exit-code.ts';
import { Output } from '../../cli/output.ts';
import { Captured } from './command-fixture.ts';

/** Runs a command line of the doctor in this process, with this environment and no other. */
export async function doctor(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const captured = new Captured();
  const program = new Command('vedette').option('--data <dir>').option('--config <file>').exitOverride();
  addDoctorCommand(program, { output: new Output(captured, {}) }, environment);
  try {
    await program.parseAsync(args, { from: 'user' });
    return { exitCode: 0, output: captured.text };
  } catch (error) {
    return { exitCode: exitCodeOf(error), output: captured.text };
  }
}
