import { EVENT_COLUMNS } from '../../model/event-columns.ts';
import { eventsTable } from '../schema/events-table.ts';
import type { Migration } from './migration.ts';

/** Columns of the first version; those appended since come with later migrations. */
const FIRST_COLUMNS = 39;

export const events: Migration = {
  id: 1,
  name: 'events',
  objects: [eventsTable(EVENT_COLUMNS.slice(0, FIRST_COLUMNS))],
};
