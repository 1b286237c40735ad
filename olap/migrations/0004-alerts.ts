import { ALERTS_TABLE_SQL } from '../schema/feature-tables.ts';
import type { Migration } from './migration.ts';

export const alerts: Migration = { id: 4, name: 'alerts', statements: [ALERTS_TABLE_SQL] };
