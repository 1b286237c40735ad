import { createHash } from 'node:crypto';
import type { AlertFilter, Episode } from '../alert.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A name of more bytes stands by its hash: keys have a limit. */
const MOST_NAME_BYTES = 500;

/** A row of the index: whose listing, and where in it. */
export interface Place {
  readonly scope: string;
  /** Days since 1970. */
  readonly day: number;
  /** Hour of the day, 0 to 23. */
  readonly hour: number;
}

/** Every alert, by its last pane. */
const ALL = 'all';
/** Those that are open. */
const OPEN = 'open';
/** Every alert by its first pane, which never moves: what is counted. */
export const COUNTED = 'counted';

/** Where an episode stands; the last is the one that is counted. */
export function placesOf({ entity, isOpen, firstPaneMs, lastPaneMs }: Episode): Place[] {
  const { day, hour } = timeOf(lastPaneMs);
  const scopes = [ALL, entityScope(entity), ...(isOpen ? [OPEN] : [])];
  return [...scopes.map((scope) => ({ scope, day, hour })), { scope: COUNTED, day: timeOf(firstPaneMs).day, hour: 0 }];
}

/** The smallest listing that has everything a filter asks for. */
export function scopeOf(filter: AlertFilter): string {
  if (filter.entity !== undefined) return entityScope(filter.entity);
  return filter.open === true ? OPEN : ALL;
}

export function timeOf(timeMs: number): { day: number; hour: number } {
  const day = Math.floor(timeMs / DAY_MS);
  return { day, hour: Math.floor((timeMs - day * DAY_MS) / HOUR_MS) };
}

export function isSamePlace(a: Place, b: Place): boolean {
  return a.scope === b.scope && a.day === b.day && a.hour === b.hour;
}

function entityScope(entity: string): string {
  if (Buffer.byteLength(entity) <= MOST_NAME_BYTES) return `entity/${entity}`;
  return `entity#${createHash('sha256').update(entity).digest('hex')}`;
}
