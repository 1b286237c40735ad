/** One measured figure. */
export interface Figure {
  /** Dotted: scenario, then what. */
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  /** Cases behind the value: attacks, injections, labelled intervals or device-days. */
  readonly runs: number;
  /** Lowest and highest of the cases, where that says something. */
  readonly spread?: readonly [number, number];
  /** Present where there is a limit: whether it is kept. */
  readonly ok?: boolean;
  readonly limit?: string;
  readonly note: string;
  /** Why there is no value. */
  readonly skipped?: string;
}

/** Budget: at most one false alert a day for 1,000 entities; ten times that is not done. */
export const BUDGET_PER_1000_DAYS = 1;
export const LIMIT_PER_1000_DAYS = 10 * BUDGET_PER_1000_DAYS;

export function skipped(name: string, why: string): Figure {
  return { name, value: null, unit: '', runs: 0, note: '', skipped: why };
}

export function toJson(figure: Figure): string {
  const { value, runs } = figure;
  return JSON.stringify({ ...figure, value: value === null ? null : rounded(value), runs: rounded(runs) });
}

/** Columns padded to their widest, the note last. */
export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    figure.skipped === undefined ? (figure.value === null ? '-' : String(rounded(figure.value))) : 'skipped',
    figure.unit,
    figure.spread ? `${rounded(figure.spread[0])}..${rounded(figure.spread[1])}` : '',
    String(rounded(figure.runs)),
    figure.ok === undefined ? '' : figure.ok ? 'ok' : 'NOT OK',
    figure.skipped ?? figure.note,
  ]);
  const all = [['name', 'value', 'unit', 'spread', 'runs', '', 'note'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) => row.map((cell, i) => (i === 6 ? cell : cell.padEnd(widths[i]!))).join('  ')).join('\n');
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
