import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { VedetteError } from '../model/errors.ts';
import { PROJECT_ROOT } from './project-root.ts';
import type { ServerKind } from './server-spec.ts';

/** What a server's section of docker-compose.yml says, as far as it can be run without a container. */
export interface ComposeService {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** Files of the project that the container sees, by the path that it sees them under. */
  readonly files: Readonly<Record<string, string>>;
}

const Service = z.object({
  image: z.string().default(''),
  environment: z.record(z.string(), z.string()).default({}),
  command: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
});
const File = z.object({ services: z.record(z.string(), Service) });

/**
 * Reads a server's section, so that what runs from packages is what would run from images: one place for settings.
 *
 * @param environment what stands for the variables in the file; without one their defaults count
 * @throws VedetteError CONFIG_INVALID where the file has another shape
 */
export function composeService(kind: ServerKind, environment: Readonly<Record<string, string>> = {}): ComposeService {
  const path = join(PROJECT_ROOT, 'docker-compose.yml');
  const parsed = File.safeParse(parse(readFileSync(path, 'utf8'), { merge: true }));
  if (!parsed.success) throw new VedetteError('CONFIG_INVALID', `${path}: ${z.prettifyError(parsed.error)}`);
  const service = parsed.data.services[kind];
  if (service === undefined) throw new VedetteError('CONFIG_INVALID', `${path} has no service ${kind}`);
  const files: Record<string, string> = {};
  for (const volume of service.volumes.filter((text) => text.startsWith('./'))) {
    const [source = '', target = ''] = volume.split(':');
    files[target] = join(PROJECT_ROOT, source);
  }
  const fill = (text: string): string => interpolate(text, environment);
  return {
    image: fill(service.image),
    environment: Object.fromEntries(Object.entries(service.environment).map(([key, text]) => [key, fill(text)])),
    command: service.command.map(fill),
    files,
  };
}

/** `$$`, `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, as Compose fills them in. */
export function interpolate(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (found, name?: string, operator?: string, rest?: string) => {
      if (name === undefined) return '$';
      const value = environment[name] ?? '';
      if (value !== '' || operator === undefined) return value;
      if (operator === '?') throw new VedetteError('CONFIG_INVALID', `${found}: ${name} is not set. ${rest ?? ''}`);
      return rest ?? '';
    },
  );
}
