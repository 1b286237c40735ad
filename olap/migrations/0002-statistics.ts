import { DEVICE, NET, statisticSql } from '../schema/statistics-tables.ts';
import type { Migration } from './migration.ts';

export const statistics: Migration = {
  id: 2,
  name: 'statistics',
  statements: [...statisticSql(NET), ...statisticSql(DEVICE)],
};
