import type { OlapClient } from './client.ts';

/** What one table holds on disk. */
export interface TableStorage {
  readonly table: string;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly parts: number;
}

/** Rows and bytes of each physical table, largest first; tables without rows are there with zeros. */
export async function storageByTable(client: OlapClient): Promise<TableStorage[]> {
  return client.query<TableStorage>(
    `SELECT tables.name AS table, sum(parts.rows) AS rows, sum(parts.bytes_on_disk) AS sizeBytes,
       countIf(parts.name != '') AS parts
     FROM system.tables AS tables
     LEFT JOIN (SELECT * FROM system.parts WHERE active) AS parts
       ON parts.database = tables.database AND parts.table = tables.name
     WHERE tables.database = {database:String} AND tables.engine LIKE '%MergeTree'
     GROUP BY tables.name ORDER BY sizeBytes DESC, table`,
    { database: client.databases.store },
  );
}
