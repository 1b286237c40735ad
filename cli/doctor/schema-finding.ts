import type { Finding } from './check.ts';

/** What a version of a schema means for this program, which knows versions up to `newest`. */
export function schemaFinding(version: number, newest: number): Finding {
  if (version === newest) return { level: 'ok', found: `schema ${version}` };
  if (version === 0) {
    return { level: 'warn', found: 'no schema yet', advice: '`vedette run` makes it at its first start' };
  }
  return {
    level: 'warn',
    found: `schema ${version}, this program has ${newest}`,
    advice: '`vedette run` brings it up to date at its next start; older programs then refuse it',
  };
}
