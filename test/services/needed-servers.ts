import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { ADDRESS_VARIABLES } from '../../services/server-environment.ts';
import { SERVER_KINDS, type ServerKind } from '../../services/server-spec.ts';

const IMPORT = /(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+\.ts)'/g;

/** A file that starts servers of its own names their variables too, and needs no others. */
const STARTS_ITS_OWN = '/services/start-services.ts';

/**
 * Servers whose variables the test files name, themselves or in what they import from test/: so that one file that
 * needs Redis doesn't wait for Cassandra. Files that start their own are left out.
 */
export function neededServers(testFiles: readonly string[]): ServerKind[] {
  const seen = new Set<string>();
  const needed = new Set<ServerKind>();
  const visit = (path: string): void => {
    if (seen.has(path) || !existsSync(path)) return;
    seen.add(path);
    const text = readFileSync(path, 'utf8');
    if (text.includes(STARTS_ITS_OWN)) return;
    for (const kind of SERVER_KINDS) {
      if (text.includes(variablePrefix(kind))) needed.add(kind);
    }
    for (const [, target = ''] of text.matchAll(IMPORT)) {
      const file = join(dirname(path), target);
      if (file.includes(`${sep}test${sep}`)) visit(file);
    }
  };
  testFiles.forEach(visit);
  return SERVER_KINDS.filter((kind) => needed.has(kind));
}

/** `VEDETTE_PULSAR_WS`, `VEDETTE_PULSAR_ADMIN`: the start that all of a server's variables have. */
function variablePrefix(kind: ServerKind): string {
  return ADDRESS_VARIABLES[kind].split('_').slice(0, 2).join('_');
}
