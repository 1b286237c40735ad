import { FEATURE_TABLES, featureTable } from '../schema/feature-tables.ts';
import type { Migration } from './migration.ts';

export const features: Migration = {
  id: 3,
  name: 'features',
  objects: FEATURE_TABLES.map((table) => featureTable(table)),
};
