import { summarise } from './measure.ts';

/** One measured figure. Values are medians over the runs, `spread` their lowest and highest. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The peer's median in the same unit; null where there is none. */
  readonly peer: number | null;
  /** How many times better than the peer: above 1 is better, whichever way the unit goes. */
  readonly ratio: number | null;
  readonly runs: number;
  readonly spread: readonly [number, number];
  readonly goal?: number;
  readonly floor?: number;
  readonly goalRatio?: number;
  /** Whether the floor (or, without one, the goal), and the ratio asked for, are met. */
  readonly ok?: boolean;
  readonly note?: string;
}

export interface FigureSpec {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly values: readonly number[];
  readonly peer?: readonly number[];
  readonly goal?: number;
  readonly floor?: number;
  readonly goalRatio?: number;
  readonly note?: string;
}

export function figure(spec: FigureSpec): Figure {
  const { name, unit, better, values, goal, floor, goalRatio, note } = spec;
  const { median, spread } = summarise(values);
  const peer = spec.peer && spec.peer.length > 0 ? summarise(spec.peer).median : null;
  const ratio = peer === null ? null : better === 'higher' ? median / peer : peer / median;
  const limit = floor ?? goal;
  const isAsked = limit !== undefined || goalRatio !== undefined;
  const meetsLimit = limit === undefined || (better === 'higher' ? median >= limit : median <= limit);
  const meetsRatio = goalRatio === undefined || (ratio !== null && ratio >= goalRatio);
  return {
    name,
    value: rounded(median),
    unit,
    peer: peer === null ? null : rounded(peer),
    ratio: ratio === null ? null : rounded(ratio),
    runs: values.length,
    spread: [rounded(spread[0]), rounded(spread[1])],
    ...(goal === undefined ? {} : { goal }),
    ...(floor === undefined ? {} : { floor }),
    ...(goalRatio === undefined ? {} : { goalRatio }),
    ...(isAsked ? { ok: meetsLimit && meetsRatio } : {}),
    ...(note === undefined ? {} : { note }),
  };
}

/** Four significant digits: more would be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export interface Report {
  readonly title: string;
  readonly figures: readonly Figure[];
  /** What the figures leave out, and how they were taken: one sentence each. */
  readonly leavesOut: readonly string[];
}

/** One JSON object a figure, one a line. */
export function asJson(report: Report): string {
  return report.figures.map((each) => JSON.stringify(each)).join('\n');
}

export function asTable(report: Report): string {
  const header = ['figure', 'median', 'lowest', 'highest', 'unit', 'peer', 'ratio', 'asked', 'met'];
  const rows = report.figures.map((each) => [
    each.name,
    shown(each.value),
    shown(each.spread[0]),
    shown(each.spread[1]),
    each.unit,
    each.peer === null ? '' : shown(each.peer),
    each.ratio === null ? '' : `${each.ratio.toFixed(2)}×`,
    asked(each),
    each.ok === undefined ? '' : each.ok ? 'yes' : 'NO',
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ').trimEnd(); // prettier-ignore
  const notes = report.figures.filter(({ note }) => note !== undefined).map(({ name, note }) => `  ${name}: ${note}`);
  const runs = Math.min(...report.figures.map((each) => each.runs));
  return [
    `${report.title} (${runs} ${runs === 1 ? 'run' : 'runs'})`,
    '',
    line(header),
    ...rows.map(line),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
    ...report.leavesOut.map((each) => `- ${each}`),
  ].join('\n');
}

function isText(column: number): boolean {
  return column === 0 || column === 4 || column >= 7;
}

function asked({ goal, floor, goalRatio }: Figure): string {
  const parts = [
    ...(goal === undefined ? [] : [`goal ${shown(goal)}`]),
    ...(floor === undefined ? [] : [`floor ${shown(floor)}`]),
    ...(goalRatio === undefined ? [] : [`${goalRatio}×`]),
  ];
  return parts.join(', ');
}

function shown(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
