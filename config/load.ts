import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { z } from 'zod';
import { VedetteError } from '../model/errors.ts';
import { configSchema, type Config } from './schema.ts';

/** Reads a configuration file (YAML or JSON); without a path, the defaults. Errors: CONFIG_INVALID, naming the key. */
export function loadConfig(path?: string): Config {
  return parseConfig(path === undefined ? {} : readFile(path), path ?? 'configuration');
}

export function parseConfig(value: unknown, name = 'configuration'): Config {
  return parseWith(configSchema, value ?? {}, name);
}

/** Parses with a strict schema; the error names every key that is wrong and what is due there. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new VedetteError('CONFIG_INVALID', `${name} is not valid:\n  ${problems.join('\n  ')}`);
}

function readFile(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new VedetteError('CONFIG_INVALID', `${path} cannot be read as YAML or JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
