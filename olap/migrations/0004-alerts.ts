import { ALERTS_TABLE } from '../schema/feature-tables.ts';
import type { Migration } from './migration.ts';

export const alerts: Migration = { id: 4, name: 'alerts', objects: [ALERTS_TABLE] };
