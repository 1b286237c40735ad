/**
 * Value of a VEDETTE_… variable that names a server of the cluster. Undefined, with a line that says so, where this
 * machine has none: the suite skips.
 *
 * @throws Error where CI=true, since a server that is missing there is a failure
 */
export function serverVariable(name: string): string | undefined {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  if (process.env['CI'] === 'true') throw new Error(`${name} is not set, and CI=true`);
  console.warn(`skipped: ${name} is not set, and no such server was started`);
  return undefined;
}
