/**
 * Characters that a screen obeys instead of showing them: controls (C0, DEL, C1), marks that reorder text
 * (Unicode's bidirectional controls, UAX #9), invisible ones and lone surrogates. A log line with them could write
 * over a terminal, or look like another line than it is.
 */
const INVISIBLE =
  // eslint's no-control-regex doesn't know escapes by category.
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** The text with such characters written out as `\u{1b}`; with `keepLines`, line feeds and tabs stay. */
export function visibleText(text: string, options?: { readonly keepLines: true }): string {
  return text.replace(INVISIBLE, (character) => {
    if (options?.keepLines && (character === '\n' || character === '\t')) return character;
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}
