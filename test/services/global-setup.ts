import type { TestProject } from 'vitest/node';
import { describeMissing, missingRequirements } from '../../services/requirements.ts';
import { ADDRESS_VARIABLES } from '../../services/server-environment.ts';
import type { ServerKind } from '../../services/server-spec.ts';
import { type Services, startServices } from '../../services/start-services.ts';
import { neededServers } from './needed-servers.ts';

const started: Services[] = [];

/**
 * Starts the servers that the test files of this run name and that no VEDETTE_… variable names already, once for the
 * run, on a temporary folder, and exports their addresses to the test processes. Should this process be killed, the next
 * run ends them.
 *
 * What this machine lacks is said in one line, and the suites that need it skip; with CI=true it is a failure.
 */
export async function setup(project: TestProject): Promise<void> {
  const needed = neededServers(await testFilesOf(project)).filter((kind) => !isNamed(kind));
  const missing = missingRequirements(needed);
  if (missing.length > 0) {
    if (process.env['CI'] === 'true') throw new Error(describeMissing(missing));
    console.warn(`tests that need them are skipped: ${describeMissing(missing)}`);
  }
  const lacking = new Set(missing.flatMap(({ neededBy }) => neededBy));
  const only = needed.filter((kind) => !lacking.has(kind));
  if (only.length === 0) return;
  const began = performance.now();
  const services = await startServices({ only, onNotice: (text) => console.warn(text) });
  console.warn(`${only.join(', ')} started in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  Object.assign(process.env, services.env);
  started.push(services);
}

export async function teardown(): Promise<void> {
  for (const services of started.splice(0)) {
    for (const name of Object.keys(services.env)) Reflect.deleteProperty(process.env, name);
    await services.stop();
  }
}

function isNamed(kind: ServerKind): boolean {
  return (process.env[ADDRESS_VARIABLES[kind]] ?? '') !== '';
}

async function testFilesOf(project: TestProject): Promise<string[]> {
  // Which files the command line chose is not part of vitest's interface; without it all of the project's count.
  const pattern: unknown = Reflect.get(project.vitest, 'filenamePattern');
  const filters = Array.isArray(pattern) ? pattern.map(String) : [];
  const { testFiles } = await project.globTestFiles(filters);
  return testFiles;
}
