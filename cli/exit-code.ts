import { CommanderError, InvalidArgumentError } from 'commander';
import { VedetteError } from '../model/errors.ts';

/** What a command ends with: stable, for scripts. */
export const EXIT = { ok: 0, error: 1, usage: 2, notFound: 3, unreachable: 4 } as const;

/** A command that can't go on; its message is for the person who typed it. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** The exit code of whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  // Help and version end the program through an error as well, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof VedetteError) {
    if (error.code === 'NOT_FOUND') return EXIT.notFound;
    if (error.code === 'BAD_REQUEST' || error.code === 'CONFIG_INVALID') return EXIT.usage;
  }
  return EXIT.error;
}

/** Parses an option's value: a whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`Write a whole number from ${least}.`);
  };
}
