import { VedetteError } from '../model/errors.ts';
import { resolveChildLibraries } from '../olap/child-host.ts';
import { findJava, findProgram, JAVA_VERSION } from './java.ts';
import { installLibrary, isInstalled, JVM_KINDS, type JvmKind, run } from './libraries.ts';
import type { ServerKind } from './server-spec.ts';

/** What a server needs and this machine lacks, with how to get it. */
export interface Missing {
  readonly what: string;
  readonly neededBy: readonly ServerKind[];
  readonly how: string;
}

/** Looks for what the servers need, without fetching anything. Jars count as there when Maven can fetch them. */
export function missingRequirements(kinds: readonly ServerKind[]): Missing[] {
  const missing: Missing[] = [];
  const jvm = JVM_KINDS.filter((kind) => kinds.includes(kind));
  const toFetch = jvm.filter((kind) => !isInstalled(kind));
  if (jvm.length > 0 && findJava() === undefined) {
    missing.push({
      what: `Java ${JAVA_VERSION}`,
      neededBy: jvm,
      how: `apt-get install openjdk-${JAVA_VERSION}-jre-headless, brew install openjdk@${JAVA_VERSION}, or set JAVA_HOME`,
    });
  }
  if (toFetch.length > 0 && findProgram('mvn') === undefined) {
    missing.push({
      what: 'Maven',
      neededBy: toFetch,
      how: 'apt-get install maven, or brew install maven; it fetches the jars of the servers once, about 350 MB',
    });
  }
  if (kinds.includes('redis') && findProgram('redis-server') === undefined && !mayInstallPackages()) {
    missing.push({
      what: 'redis-server',
      neededBy: ['redis'],
      how: 'apt-get install redis-server, or brew install redis',
    });
  }
  if (kinds.includes('clickhouse')) {
    const problem = chdbProblem();
    if (problem !== undefined) missing.push({ what: problem, neededBy: ['clickhouse'], how: 'npm ci' });
  }
  return missing;
}

/** One line for each thing that is missing. */
export function describeMissing(missing: readonly Missing[]): string {
  return missing.map(({ what, neededBy, how }) => `${what} is missing (for ${neededBy.join(', ')}): ${how}`).join('\n');
}

/**
 * Fetches what the servers need.
 *
 * @throws VedetteError UNSUPPORTED with everything that is missing, or with what a package manager said.
 */
export async function install(kinds: readonly ServerKind[], onNotice: (text: string) => void): Promise<void> {
  const missing = missingRequirements(kinds);
  if (missing.length > 0) throw new VedetteError('UNSUPPORTED', describeMissing(missing));
  for (const kind of JVM_KINDS.filter((name: JvmKind) => kinds.includes(name) && !isInstalled(name))) {
    onNotice(`fetching the jars of ${kind}, which takes a while the first time`);
    await installLibrary(kind);
  }
  if (kinds.includes('redis') && findProgram('redis-server') === undefined) {
    onNotice('installing redis-server with apt-get');
    for (const args of [['update'], ['install', '-y', 'redis-server']]) {
      const output = await run('apt-get', ['-qq', ...args]);
      if (output !== undefined) throw new VedetteError('UNSUPPORTED', `apt-get ${args.join(' ')} failed:\n${output}`);
    }
  }
}

/** A machine of CI is thrown away afterwards; on a person's machine nothing is installed unasked. */
function mayInstallPackages(): boolean {
  return process.env['CI'] === 'true' && process.getuid?.() === 0 && findProgram('apt-get') !== undefined;
}

function chdbProblem(): string | undefined {
  try {
    resolveChildLibraries();
    return undefined;
  } catch (error) {
    if (error instanceof VedetteError) return error.message;
    throw error;
  }
}
