import type { Episode } from '../../alerts/alert.ts';
import type { Family } from '../../stream/detector.ts';
import { BUDGET_PER_1000_DAYS, LIMIT_PER_1000_DAYS, type Figure } from './report.ts';
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
      ...(about.least === undefined ? {} : { ok: recall !== null && recall >= about.least, limit: `>= ${about.least}` }),
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
export function falseAlarmFigure(
  name: string,
  falseAlarms: readonly Episode[],
  days: number,
  note: string,
): Figure {
  const perThousand = days > 0 ? (1000 * falseAlarms.length) / days : 0;
  return {
    name,
    value: days > 0 ? falseAlarms.length / days : null,
    unit: '1/entity-day',
    runs: days,
    ok: perThousand <= LIMIT_PER_1000_DAYS,
    limit: `<= ${LIMIT_PER_1000_DAYS / 1000} (budget ${BUDGET_PER_1000_DAYS / 1000})`,
    note: `${falseAlarms.length} in ${days.toFixed(1)} entity-days; at most ${bound(falseAlarms.length, days)} at 95 %${note === '' ? '' : `; ${note}`}`,
  };
}

function bound(count: number, days: number): string {
  return days > 0 ? (upperBound(count) / days).toPrecision(2) : '-';
}

/** Names of the entities behind alarms, for a note. */
export function namesOf(episodes: readonly Episode[]): string {
  const names = [...new Set(episodes.map(({ entity }) => entity))];
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;
}
