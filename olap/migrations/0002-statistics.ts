import { DEVICE, NET, statisticObjects } from '../schema/statistics-tables.ts';
import type { Migration } from './migration.ts';

export const statistics: Migration = {
  id: 2,
  name: 'statistics',
  objects: [...statisticObjects(NET), ...statisticObjects(DEVICE)],
};
