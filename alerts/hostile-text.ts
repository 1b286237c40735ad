/** Text out of logs is written by whoever is watched: it may carry terminal commands, or reverse what stands beside it. */

/** Control characters, and format characters: bidi overrides and isolates, zero-width, tags, byte order marks. */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const BREAKS = /[\t\n\v\f\r\u0085\u2028\u2029]+/gu;
const LONE_SURROGATES = /\p{Cs}/gu;

/**
 * One line of text that is safe on a terminal: breaks become a space, control and format characters go, lone surrogates
 * become U+FFFD, and what is longer than `maxLength` (in UTF-16 units) is cut with an ellipsis.
 */
export function sanitizeText(text: string, maxLength = 2000): string {
  // Halves go first: with what stands between two of them gone, they could be one character that has to go as well.
  const clean = text.replace(LONE_SURROGATES, '\ufffd').replace(BREAKS, ' ').replace(CONTROLS, '');
  if (clean.length <= maxLength) return clean;
  // Not between the two halves of a character.
  return `${clean.slice(0, maxLength - 1).replace(/\p{Cs}$/u, '')}…`;
}

/**
 * A string literal of ClickHouse, quotes included, that stands for exactly this text (lone surrogates as U+FFFD) and is
 * itself safe on a terminal: quotes and backslashes are escaped, and what `sanitizeText` would drop stands as \xHH of
 * its UTF-8 bytes. Source: https://clickhouse.com/docs/sql-reference/syntax#string
 */
export function sqlString(text: string): string {
  const body = text
    .replace(LONE_SURROGATES, '\ufffd')
    .replace(/[\\']/g, (character) => `\\${character}`)
    .replace(CONTROLS, (character) =>
      [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
    );
  return `'${body}'`;
}
