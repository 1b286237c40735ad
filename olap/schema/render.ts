import { FIRST_TOKENS, STORE_DATABASE, VIEW_DATABASE } from './databases.ts';
import type { AddedColumn, FillingView, RememberedTokens, SchemaObject, TableDefinition } from './definitions.ts';
import type { StoreLayout } from './layout.ts';

/** The statements that make an object in this layout, in order. Each may be run again after it took effect. */
export function renderObject(object: SchemaObject, layout: StoreLayout): string[] {
  switch (object.kind) {
    case 'table':
      return [tableSql(object, layout), ...distributedSql(object, layout)];
    case 'view':
      return [viewSql(object, layout)];
    case 'column':
      return columnSql(object, layout);
    case 'tokens':
      return tokensSql(object, layout);
  }
}

export function createDatabaseSql(name: typeof STORE_DATABASE | typeof VIEW_DATABASE, layout: StoreLayout): string {
  return `CREATE DATABASE IF NOT EXISTS ${name}${onCluster(layout)} ENGINE = Atomic`;
}

/** The statement that makes a plain view over the tables, again where it is there. */
export function createViewSql(view: { readonly name: string; readonly sql: string }, layout: StoreLayout): string {
  const security = layout.viewsRunAs === 'definer' ? ' DEFINER = CURRENT_USER SQL SECURITY DEFINER' : '';
  return `CREATE OR REPLACE VIEW ${VIEW_DATABASE}.${view.name}${onCluster(layout)}${security} AS\n${view.sql}`;
}

/** ` ON CLUSTER name`, or nothing. */
export function onCluster({ cluster }: StoreLayout): string {
  return cluster === undefined ? '' : ` ON CLUSTER ${cluster}`;
}

/** The full name of the table that holds a shard's rows. */
export function localTable(name: string, { sharding }: StoreLayout): string {
  return `${STORE_DATABASE}.${name}${sharding === 'distributed' ? '_local' : ''}`;
}

/** The engine with its arguments. */
export function engineSql(engine: TableDefinition['engine'], layout: StoreLayout): string {
  const { replication } = layout;
  return replication === undefined ? engine : `Replicated${engine}('${replication.path}', '${replication.replica}')`;
}

function tableSql(table: TableDefinition, layout: StoreLayout): string {
  const settings = [deduplication(layout), 'ttl_only_drop_parts = 1', ...(table.settings ? [table.settings] : [])];
  return `CREATE TABLE IF NOT EXISTS ${localTable(table.name, layout)}${onCluster(layout)} (
${table.columns.map((column) => `  ${column}`).join(',\n')}
) ENGINE = ${engineSql(table.engine, layout)}
${table.partition === undefined ? '' : `PARTITION BY ${table.partition}\n`}ORDER BY ${table.order}
SETTINGS ${settings.join(', ')}`;
}

/** Without it on a view's target too, a block sent three times counts three times there. */
function deduplication({ replication }: StoreLayout): string {
  if (replication === undefined) return `non_replicated_deduplication_window = ${FIRST_TOKENS}`;
  const { window, seconds } = replication;
  return `replicated_deduplication_window = ${window}, replicated_deduplication_window_seconds = ${seconds}`;
}

function distributedSql(table: TableDefinition, layout: StoreLayout): string[] {
  if (layout.sharding === 'none' || layout.cluster === undefined) return [];
  const local = localTable(table.name, layout);
  return [
    `CREATE TABLE IF NOT EXISTS ${STORE_DATABASE}.${table.name}${onCluster(layout)} AS ${local}
ENGINE = Distributed(${layout.cluster}, ${STORE_DATABASE}, ${table.name}_local, ${table.shardBy})`,
  ];
}

/** From the local table to the local table: a Distributed source would give each row to every shard's view. */
function viewSql(view: FillingView, layout: StoreLayout): string {
  const name = `${STORE_DATABASE}.${view.name}${onCluster(layout)}`;
  return `CREATE MATERIALIZED VIEW IF NOT EXISTS ${name} TO ${localTable(view.to, layout)} AS
${view.select(localTable(view.from, layout))}`;
}

/** The local table first: the Distributed one asks it. */
function columnSql({ table, column }: AddedColumn, layout: StoreLayout): string[] {
  const names = new Set([localTable(table, layout), `${STORE_DATABASE}.${table}`]);
  return [...names].map((name) => `ALTER TABLE ${name}${onCluster(layout)} ADD COLUMN IF NOT EXISTS ${column}`);
}

function tokensSql({ table, tokens }: RememberedTokens, layout: StoreLayout): string[] {
  if (layout.replication !== undefined) return [];
  const setting = `non_replicated_deduplication_window = ${tokens}`;
  return [`ALTER TABLE ${localTable(table, layout)}${onCluster(layout)} MODIFY SETTING ${setting}`];
}
