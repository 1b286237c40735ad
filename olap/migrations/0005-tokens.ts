import { events } from './0001-events.ts';
import { statistics } from './0002-statistics.ts';
import { features } from './0003-features.ts';
import { alerts } from './0004-alerts.ts';
import type { Migration } from './migration.ts';

/**
 * A token comes again within a few inserts of its partition (the block in flight when something died), while other
 * partitions, whose tokens the table remembers as well, go on: sixteen of them make a thousand inserts in two minutes.
 */
const TOKENS = 10_000;

export const tokens: Migration = {
  id: 5,
  name: 'tokens',
  objects: [events, statistics, features, alerts]
    .flatMap(({ objects }) => objects)
    .flatMap((object) => (object.kind === 'table' ? [{ kind: 'tokens', table: object.name, tokens: TOKENS }] : [])),
};
