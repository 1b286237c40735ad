import { VedetteError } from '../model/errors.ts';
import type { Alert, AlertFilter } from './alert.ts';
import { severityRank } from './severity.ts';

/** Negated, so that ascending order is the listing's: last pane descending, then uid. */
export type IndexKey = [negatedLastPaneMs: number, uid: string];

/** What filters look at. */
export interface IndexEntry {
  readonly firstPaneMs: number;
  readonly family: string;
  readonly entity: string;
  readonly detectors: readonly string[];
  readonly status: string;
  readonly isOpen: boolean;
  readonly rank: number;
}

export function indexKey({ episode }: Alert): IndexKey {
  return [-episode.lastPaneMs, episode.uid];
}

export function indexEntry({ episode, triage }: Alert): IndexEntry {
  const { firstPaneMs, family, entity, detectors, isOpen } = episode;
  return {
    firstPaneMs,
    family,
    entity,
    detectors,
    status: triage.status,
    isOpen,
    rank: severityRank(episode.severity),
  };
}

/** Whether an alert passes a filter, but for `sinceMs`, which the range of keys keeps. */
export function matches(entry: IndexEntry, filter: AlertFilter): boolean {
  return (
    (filter.untilMs === undefined || entry.firstPaneMs < filter.untilMs) &&
    (filter.family === undefined || entry.family === filter.family) &&
    (filter.entity === undefined || entry.entity === filter.entity) &&
    (filter.detector === undefined || entry.detectors.includes(filter.detector)) &&
    (filter.status === undefined || entry.status === filter.status) &&
    (filter.open === undefined || entry.isOpen === filter.open) &&
    (filter.minSeverity === undefined || entry.rank >= severityRank(filter.minSeverity))
  );
}

/** The place after which the next page starts: a place in the order, not a count, so that inserts don't move it. */
export function writeCursor(key: IndexKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Throws {@link VedetteError} BAD_REQUEST. */
export function readCursor(cursor: string): IndexKey {
  const key = cursor.length > 400 ? undefined : parseJson(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(key) || key.length !== 2 || !Number.isFinite(key[0]) || typeof key[1] !== 'string') {
    throw new VedetteError('BAD_REQUEST', 'not a cursor of this listing');
  }
  return key as IndexKey;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
