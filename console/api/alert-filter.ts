import { z } from 'zod';
import type { Alert, AlertFilter } from '../../alerts/alert.ts';
import { cursor, flag, moment, pageLimit, shortText } from '../query-types.ts';
import { SEVERITIES, severityRank } from '../../alerts/severity.ts';
import { FAMILIES, STATUSES } from './alert-json.ts';

const FILTER = {
  since: moment.optional().describe('Last seen at or after: 24h, 7d, or ISO 8601'),
  until: moment.optional().describe('First seen before: 24h, 7d, or ISO 8601'),
  uid: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/, 'write the first characters of a uid: 0-9, a-f')
    .optional()
    .describe('Alerts whose uid begins so'),
  family: z.enum(FAMILIES).optional(),
  entity: shortText.optional(),
  detector: shortText.optional(),
  status: z.enum(STATUSES).optional(),
  open: flag.optional().describe('Whether the episode goes on'),
  severity: z.enum(SEVERITIES).optional().describe('At least this'),
};

export const alertFormat = z.enum(['vedette', 'ocsf']).default('vedette');
export type AlertFormat = z.output<typeof alertFormat>;

export const filterQuery = z.strictObject(FILTER);
export const streamQuery = z.strictObject({ ...FILTER, format: alertFormat });
export const listQuery = z.strictObject({
  ...FILTER,
  format: alertFormat,
  limit: pageLimit(50, 500),
  cursor: cursor.optional(),
});

export interface AlertSelection {
  readonly filter: AlertFilter;
  readonly uidPrefix: string;
}

/** The store's filter out of a query, and what the store can't filter by. */
export function selectionOf(query: z.output<typeof filterQuery>, nowMs: number): AlertSelection {
  return {
    uidPrefix: query.uid ?? '',
    filter: {
      ...(query.since && { sinceMs: query.since(nowMs) }),
      ...(query.until && { untilMs: query.until(nowMs) }),
      ...(query.family && { family: query.family }),
      ...(query.entity && { entity: query.entity }),
      ...(query.detector && { detector: query.detector }),
      ...(query.status && { status: query.status }),
      ...(query.open !== undefined && { open: query.open }),
      ...(query.severity && { minSeverity: query.severity }),
    },
  };
}

/** Whether one alert is among those that a listing with this selection gives. */
export function isSelected({ episode, triage }: Alert, { filter, uidPrefix }: AlertSelection): boolean {
  return (
    episode.uid.startsWith(uidPrefix) &&
    episode.lastPaneMs >= (filter.sinceMs ?? -Infinity) &&
    episode.firstPaneMs < (filter.untilMs ?? Infinity) &&
    [undefined, episode.family].includes(filter.family as typeof episode.family | undefined) &&
    [undefined, episode.entity].includes(filter.entity) &&
    (filter.detector === undefined || episode.detectors.includes(filter.detector)) &&
    [undefined, triage.status].includes(filter.status) &&
    [undefined, episode.isOpen].includes(filter.open) &&
    severityRank(episode.severity) >= severityRank(filter.minSeverity ?? 'informational')
  );
}
