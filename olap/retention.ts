import { z } from 'zod';
import type { OlapClient } from './client.ts';
import { EMBEDDED_LAYOUT, type StoreLayout } from './schema/layout.ts';
import { localTable, onCluster } from './schema/render.ts';

const days = (fallback: number, description: string) =>
  z
    .union([z.number().int().positive().max(36_500), z.literal('forever')])
    .default(fallback)
    .describe(`${description}: days since a row was stored, or "forever"`);

/** How long rows are kept, counted from when they were stored: old logs may be analysed without vanishing. */
export const RetentionSchema = z.strictObject({
  events: days(30, 'raw events'),
  minutes: days(90, 'statistics and features of one minute'),
  fiveMinutes: days(365, 'statistics of five minutes'),
  hours: days(1095, 'statistics and features of one hour'),
  panes: days(7, 'target features of each pane'),
  alerts: days(1095, 'history of alerts'),
});
export type Retention = z.infer<typeof RetentionSchema>;

const TABLES: Readonly<Record<keyof Retention, readonly string[]>> = {
  events: ['events'],
  minutes: ['net_1m', 'device_1m', 'host_features_1m', 'reading_features_1m'],
  fiveMinutes: ['net_5m', 'device_5m', 'host_features_5m'],
  hours: ['net_1h', 'device_1h', 'host_features_1h'],
  panes: ['target_features_pane'],
  alerts: ['alerts'],
};

/** Sets each table's TTL to the configuration; tables that have it already are not touched. */
export async function applyRetention(
  client: OlapClient,
  retention: Retention,
  layout: StoreLayout = EMBEDDED_LAYOUT,
): Promise<void> {
  const tables = await client.query<{ name: string; sql: string }>(
    'SELECT name, create_table_query AS sql FROM system.tables WHERE database = {database:String}',
    { database: client.databases.store },
  );
  for (const [kind, names] of Object.entries(TABLES)) {
    const keep = retention[kind as keyof Retention];
    for (const name of names) {
      const fullName = localTable(name, layout);
      const table = tables.find((candidate) => candidate.name === fullName.split('.')[1]);
      if (table === undefined) continue;
      const current = /TTL _stored \+ toIntervalDay\((\d+)\)/.exec(table.sql)?.[1];
      if (keep === 'forever') {
        if (current !== undefined) await client.command(`ALTER TABLE ${fullName}${onCluster(layout)} REMOVE TTL`);
      } else if (current !== String(keep)) {
        await client.command(
          `ALTER TABLE ${fullName}${onCluster(layout)} MODIFY TTL _stored + toIntervalDay(${keep})`,
          {},
          { materialize_ttl_after_modify: 0 },
        );
      }
    }
  }
}
