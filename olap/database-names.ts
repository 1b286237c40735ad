import { STORE_DATABASE, VIEW_DATABASE } from './schema/databases.ts';

/** Names of the two databases on a server that several installations share. */
export interface DatabaseNames {
  readonly store: string;
  readonly views: string;
}

export function databaseNames(prefix: string): DatabaseNames {
  return { store: prefix + STORE_DATABASE, views: prefix + VIEW_DATABASE };
}

/** Texts and comments, which stay as they are, or one of the two databases where a database may be named. */
const TOKENS = new RegExp(
  [
    String.raw`'(?:[^'\\]|\\.|'')*'`,
    '`[^`]*`',
    '"[^"]*"',
    '--[^\n]*',
    String.raw`/\*[\s\S]*?\*/`,
    String.raw`(?<![\w.])(?:${STORE_DATABASE}\b|${VIEW_DATABASE}(?=\s*\.)|(?<=DATABASE (?:IF (?:NOT )?EXISTS )?)${VIEW_DATABASE}\b)`,
  ].join('|'),
  'g',
);

/** A statement of this program with its databases under the names of this installation. */
export function withDatabasePrefix(sql: string, prefix: string): string {
  if (prefix === '') return sql;
  return sql.replace(TOKENS, (token) => (/^\w/.test(token) ? prefix + token : token));
}
