import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The one that Kafka 4, Pulsar 4 and Cassandra 5.0 all run on. */
export const JAVA_VERSION = 17;

const JVM_FOLDERS = ['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines'];

/** Path of a program in PATH. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Path of a `java` of {@link JAVA_VERSION}: of JAVA_HOME, of PATH, or where systems install them. */
export function findJava(): string | undefined {
  const candidates: string[] = [];
  const home = process.env['JAVA_HOME'];
  if (home !== undefined) candidates.push(join(home, 'bin', 'java'));
  const inPath = findProgram('java');
  if (inPath !== undefined) candidates.push(inPath);
  for (const folder of JVM_FOLDERS.filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder).filter((entry) => entry.includes(String(JAVA_VERSION)))) {
      candidates.push(join(folder, name, 'bin', 'java'), join(folder, name, 'Contents', 'Home', 'bin', 'java'));
    }
  }
  return candidates.find((path) => existsSync(path) && javaVersion(path) === JAVA_VERSION);
}

function javaVersion(java: string): number | undefined {
  const { stderr, stdout } = spawnSync(java, ['-version'], { encoding: 'utf8', timeout: 20_000 });
  const major = /version "(\d+)/.exec(`${stderr}${stdout}`)?.[1];
  return major === undefined ? undefined : Number(major);
}
