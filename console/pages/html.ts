import { visibleText } from '../visible-text.ts';

/** Markup that is safe to send. Only {@link html} makes it, and everything put into that is escaped. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type HtmlValue = string | number | Html | undefined | false | readonly HtmlValue[];

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Template of a page: each value is escaped, for text and for quoted attributes, and characters that a browser would
 * obey (bidirectional marks, controls) are written out. Lists are joined; undefined and false are nothing.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = parts[0]!;
  values.forEach((value, index) => {
    markup += markupOf(value) + parts[index + 1]!;
  });
  return new Html(markup);
}

function markupOf(value: HtmlValue): string {
  if (value instanceof Html) return value.markup;
  if (value === undefined || value === false) return '';
  if (typeof value === 'object') return value.map(markupOf).join('');
  return visibleText(String(value), { keepLines: true }).replace(/[&<>"']/g, (character) => ESCAPED[character]!);
}
