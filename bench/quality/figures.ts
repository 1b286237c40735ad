import type { Episode } from '../../alerts/alert.ts';
import type { Family } from '../../stream/detector.ts';
import { BUDGET_PER_1000_DAYS, LIMIT_PER_1000_DAYS, skipped, type Figure } from './report.ts';
import { median, type Outcome, SECOND_MS, upperBound } from './scoring.ts';

export const FAMILIES: readonly Family[] = ['denial-of-service', 'data-loss', 'data-corruption'];

/** Share of what happened that was found, and how soon. `least`: the recall that is asked for, 0..1. */
export function recallFigures(
  name: string,
  outcomes: readonly Outcome[],
  about: { readonly note: string; readonly least?: number },
): Figure[] {
  const delays = outcomes.flatMap(({ delayMs }) => (delayMs === undefined ? [] : [delayMs / SECOND_MS]));
  const recall = outcomes.length === 0 ? null : delays.length / outcomes.length;
  const figures: Figure[] = [
    {
      name: `${name}.recall`,
      value: recall,
      unit: 'share',
      runs: outcomes.length,
      ...(about.least === undefined
        ? {}
        : { ok: recall !== null && recall >= about.least, limit: `>= ${about.least}` }),
      note: about.note,
    },
  ];
  if (delays.length > 0) {
    figures.push({
      name: `${name}.delay`,
      value: median(delays) ?? null,
      unit: 's',
      runs: delays.length,
      spread: [Math.min(...delays), Math.max(...delays)],
      note: 'median, from the start to the end of the pane of the first finding; of what was found',
    });
  }
  return figures;
}

/** False alarms a device-day (or host-day), held against ten times the budget. */
export function falseAlarmFigure(name: string, falseAlarms: readonly Episode[], days: number, note: string): Figure {
  if (!(days > 0)) return skipped(name, 'nothing was watched');
  const limit = LIMIT_PER_1000_DAYS / 1000;
  return {
    name,
    value: falseAlarms.length / days,
    unit: '1/entity-day',
    runs: days,
    ok: falseAlarms.length / days <= limit,
    limit: `<= ${limit} (budget ${BUDGET_PER_1000_DAYS / 1000})`,
    note: `${boundText(falseAlarms.length, days, limit)}${note === '' ? '' : `; ${note}`}`,
  };
}

/** How much a count says: the rate that is still credible, and whether that is under the limit (a day) too. */
export function boundText(count: number, days: number, limit: number): string {
  const most = upperBound(count) / days;
  const doubt = count / days <= limit && most > limit ? ', too few days to show that the limit is kept' : '';
  return `${count} in ${Number(days.toPrecision(3))} entity-days, at most ${Number(most.toPrecision(2))} a day at 95 %${doubt}`;
}

/** Names of the entities behind alarms, for a note. */
export function namesOf(episodes: readonly Episode[]): string {
  const names = [...new Set(episodes.map(({ entity }) => entity))];
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;
}
