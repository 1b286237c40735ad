import { visibleText } from '../console/visible-text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way first when the table is too wide. */
  readonly shrink?: boolean;
}

const GAP = '  ';
const NARROWEST = 8;

/**
 * A table no wider than `width` columns (undefined: as wide as it is): columns that shrink are cut with an ellipsis, and
 * if that isn't enough the widest ones. Texts are shown on one line, without characters that a terminal obeys.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const titles = columns.map(({ title }) => visibleText(title));
  const cells = rows.map((row) => columns.map((_column, index) => visibleText(row[index] ?? '')));
  const widths = titles.map((title, index) =>
    cells.reduce((most, row) => Math.max(most, textWidth(row[index] ?? '')), textWidth(title)),
  );
  if (width !== undefined) fit(widths, columns, width);
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => pad(cut(text, widths[index]!), widths[index]!, columns[index]?.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return [titles, ...cells].map((texts) => `${line(texts)}\n`).join('');
}

function fit(widths: number[], columns: readonly Column[], width: number): void {
  const sum = () => widths.reduce((total, each) => total + each, 0) + GAP.length * (widths.length - 1);
  for (const isFirst of [true, false]) {
    while (sum() > width) {
      let widest = -1;
      widths.forEach((each, index) => {
        const mayShrink = each > NARROWEST && (!isFirst || columns[index]?.shrink === true);
        if (mayShrink && (widest === -1 || each > widths[widest]!)) widest = index;
      });
      if (widest === -1) break;
      widths[widest]!--;
    }
  }
}

/** Columns on a terminal: East Asian wide characters and emoji take two, marks that combine none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function characterWidth(character: string): number {
  if (character < '\u0300') return 1;
  if (/\p{M}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let shown = '';
  let used = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width - 1) break;
    shown += character;
  }
  return `${shown}…`;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'right' ? space + text : text + space;
}
