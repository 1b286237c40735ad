import type { AlertItem } from '../console/api/alert-json.ts';
import type { Colour, Output } from './output.ts';
import type { Column } from './table.ts';
import { visibleText } from '../console/visible-text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'UID' },
  { title: 'SEVERITY' },
  { title: 'STATE' },
  { title: 'SINCE' },
  { title: 'ENTITY' },
  { title: 'ALERT', shrink: true },
];

/** Characters of a uid that tell alerts apart; commands take them. */
const SHORT_UID = 8;

const CSV_FIELDS = [
  'uid',
  'severity',
  'confidence',
  'open',
  'status',
  'verdict',
  'assignee',
  'family',
  'entity_kind',
  'entity',
  'title',
  'headline',
  'detectors',
  'technique',
  'since',
  'first_seen',
  'last_seen',
  'closed',
  'finding_count',
  'version',
] as const satisfies readonly (keyof AlertItem)[];

const COLOUR_OF: Readonly<Record<AlertItem['severity'], Colour>> = {
  critical: 'red',
  high: 'red',
  medium: 'yellow',
  low: 'green',
  informational: 'dim',
};

export async function printAlertTable(output: Output, items: readonly AlertItem[]): Promise<void> {
  await output.table(COLUMNS, items.map(cells));
}

/** Header, then a line an alert; the fields and their order are stable. */
export async function printAlertCsv(output: Output, items: readonly AlertItem[]): Promise<void> {
  await output.csv(CSV_FIELDS);
  for (const item of items) await printAlertCsvLine(output, item);
}

export async function printAlertCsvLine(output: Output, item: AlertItem): Promise<void> {
  await output.csv(CSV_FIELDS.map((field) => (field === 'detectors' ? item.detectors.join(' ') : item[field])));
}

export async function printAlertCsvHeader(output: Output): Promise<void> {
  await output.csv(CSV_FIELDS);
}

/** One line, for a list that goes on: widths of what will come aren't known. */
export async function printAlertLine(output: Output, item: AlertItem): Promise<void> {
  const severity = output.paint(COLOUR_OF[item.severity], item.severity.padEnd(13));
  const text = `${stateOf(item).padEnd(22)}  ${item.title}: ${item.headline}`;
  await output.write(`${item.uid.slice(0, SHORT_UID)}  ${timeOf(item)}  ${severity}  ${visibleText(text)}\n`);
}

/** `ongoing, new`. */
export function stateOf(item: Pick<AlertItem, 'open' | 'status'>): string {
  return `${item.open ? 'ongoing' : 'over'}, ${item.status.replace('_', ' ')}`;
}

function cells(item: AlertItem): string[] {
  // The title ends with the entity, which has a column of its own here.
  const about = item.title.replace(new RegExp(`: ${item.entity_kind} .*$`, 's'), '');
  const { uid, severity, entity, headline } = item;
  return [uid.slice(0, SHORT_UID), severity, stateOf(item), timeOf(item), entity, `${about}: ${headline}`];
}

/** `2026-11-21 02:26`, UTC. */
function timeOf(item: AlertItem): string {
  return (item.since ?? '').slice(0, 16).replace('T', ' ');
}
