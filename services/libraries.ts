import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { VedetteError } from '../model/errors.ts';
import { findProgram } from './java.ts';
import { PROJECT_ROOT } from './project-root.ts';

/** Servers that come as Maven packages. */
export const JVM_KINDS = ['kafka', 'pulsar', 'cassandra'] as const;
export type JvmKind = (typeof JVM_KINDS)[number];

/** Jar that carries the server's version, without the version. */
const MAIN_JARS: Readonly<Record<JvmKind, string>> = {
  kafka: 'kafka_2.13',
  pulsar: 'pulsar-broker',
  cassandra: 'cassandra-all',
};

const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

/** Folder of the servers' jars: VEDETTE_SERVICES_LIB, else in the user's cache. */
function librariesFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['VEDETTE_SERVICES_LIB'] ?? join(cache, 'vedette', 'services');
}

export function libraryOf(kind: JvmKind): string {
  return join(librariesFolder(), kind);
}

/** Version that the server's pom asks for. */
export function packagedVersion(kind: JvmKind): string {
  const pom = readFileSync(pomOf(kind), 'utf8');
  const stated = new RegExp(`<artifactId>${MAIN_JARS[kind]}</artifactId>\\s*<version>([^<]+)<`).exec(pom)?.[1] ?? '';
  const property = /^\$\{(.+)\}$/.exec(stated)?.[1];
  const version = property === undefined ? stated : new RegExp(`<${property}>([^<]+)<`).exec(pom)?.[1];
  if (version === undefined || version === '') {
    throw new VedetteError('CONFIG_INVALID', `${pomOf(kind)} names no version of ${MAIN_JARS[kind]}`);
  }
  return version;
}

/** Whether the jars are there, in the version that the pom asks for. */
export function isInstalled(kind: JvmKind): boolean {
  return existsSync(join(libraryOf(kind), `${MAIN_JARS[kind]}-${packagedVersion(kind)}.jar`));
}

/** The one jar whose name begins so. */
export function jarOf(kind: JvmKind, start: string): string {
  const name = readdirSync(libraryOf(kind)).find((entry) => entry.startsWith(start) && entry.endsWith('.jar'));
  if (name === undefined) throw new VedetteError('UNSUPPORTED', `${libraryOf(kind)} holds no ${start}*.jar`);
  return join(libraryOf(kind), name);
}

/** Fetches the jars with Maven; nothing where they are there. The folder appears whole or not at all. */
export async function installLibrary(kind: JvmKind): Promise<void> {
  if (isInstalled(kind)) return;
  const maven = findProgram('mvn');
  if (maven === undefined) throw new VedetteError('UNSUPPORTED', 'mvn is not in PATH');
  const folder = libraryOf(kind);
  const part = `${folder}.part-${process.pid}`;
  mkdirSync(librariesFolder(), { recursive: true });
  rmSync(part, { recursive: true, force: true });
  try {
    const args = ['-B', '-q', '-f', pomOf(kind), COPY_GOAL, '-DincludeScope=runtime', `-DoutputDirectory=${part}`];
    const output = await run(maven, args);
    if (output !== undefined) throw new VedetteError('UNSUPPORTED', `Maven did not fetch ${kind}:\n${output}`);
    // Another process may have been faster; its folder is as good.
    if (!isInstalled(kind)) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(part, folder);
    }
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** Runs a program to its end. Returns what it printed where it failed. */
export function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString('utf8')).slice(-8000);
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? undefined : output.trim()));
  });
}

function pomOf(kind: JvmKind): string {
  return join(PROJECT_ROOT, 'services', 'poms', `${kind}.xml`);
}
