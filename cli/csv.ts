/** A cell as it stood: what was quoted is text, whatever it looks like. */
export interface CsvCell {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** Reads RFC 4180: quotes, doubled quotes inside, line ends of either kind inside and outside. */
export function parseCsv(source: string): CsvCell[][] {
  const rows: CsvCell[][] = [];
  let row: CsvCell[] = [];
  let at = 0;
  while (at < source.length) {
    const isQuoted = source[at] === '"';
    let text = '';
    if (isQuoted) {
      at++;
      for (;;) {
        const end = source.indexOf('"', at);
        text += source.slice(at, end === -1 ? source.length : end);
        at = end === -1 ? source.length : end + 1;
        if (source[at] !== '"') break;
        text += '"';
        at++;
      }
    } else {
      const start = at;
      while (at < source.length && source[at] !== ',' && source[at] !== '\n' && source[at] !== '\r') at++;
      text = source.slice(start, at);
    }
    row.push({ text, isQuoted });
    if (source[at] === ',') {
      at++;
      if (at === source.length) row.push({ text: '', isQuoted: false });
      continue;
    }
    if (source[at] === '\r') at++;
    if (source[at] === '\n') at++;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/**
 * One line, RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV
 * Injection"); numbers stay as they are.
 */
export function csvLine(cells: readonly (string | number | boolean | undefined)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const isFormula = /^[\s]*[=+\-@\t\r＝＋－＠]/.test(value) && !/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value);
  const text = isFormula ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replace(/"/g, '""')}"` : text;
}
