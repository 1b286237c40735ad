import { FEATURE_TABLES, featureTableSql } from '../schema/feature-tables.ts';
import type { Migration } from './migration.ts';

export const features: Migration = {
  id: 3,
  name: 'features',
  statements: FEATURE_TABLES.map((table) => featureTableSql(table)),
};
