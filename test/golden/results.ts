import type { Alert } from '../../alerts/alert.ts';
import type { OlapClient } from '../../olap/client.ts';

/** What a run stored and knows, whatever its form, partitions and blocks. */
export interface GoldenResult {
  readonly alerts: readonly Record<string, unknown>[];
  /** By table: rows, and a checksum that does not depend on their order. */
  readonly rows: Readonly<Record<string, { readonly rows: number; readonly sum: string; readonly totals: string }>>;
  readonly digest: Readonly<Record<string, string>>;
  readonly events: number;
  readonly late: number;
  readonly deadLetters: number;
}

/** What a run of the whole pipeline stored, detected and knows in the end. */
export interface FaultResult extends Pick<GoldenResult, 'alerts' | 'rows' | 'digest'> {
  readonly numbered: Numbered;
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** Rows, different numbers among them, their sum, and rows that came too late for their windows. */
export interface Numbered {
  readonly rows: number;
  readonly distinct: number;
  readonly sum: number;
  readonly late: number;
}

/** What tells rows apart, whatever the partition, the block and the wall clock. */
const NOT_COMPARED = ['_part', '_off', '_stored', 'received_time'];
/**
 * ClickHouse's sums of readings: floats, whose last digits depend on how rows are cut into blocks. They are compared by
 * their totals, to nine digits; everything else bit by bit.
 */
const FLOAT_SUMS = ['sum', 'sum_squares', 'mean', 'sd'];

const TABLES = [
  'events', 'net_1m', 'net_5m', 'net_1h', 'device_1m', 'device_5m', 'device_1h',
  'host_features_1m', 'host_features_5m', 'host_features_1h', 'target_features_pane', 'reading_features_1m',
]; // prettier-ignore

export async function storedRows(olap: OlapClient): Promise<GoldenResult['rows']> {
  return Object.fromEntries(
    await Promise.all(TABLES.map(async (table) => [table, await checksum(olap, table)])),
  ) as GoldenResult['rows'];
}

async function checksum(olap: OlapClient, table: string): Promise<{ rows: number; sum: string; totals: string }> {
  const columns = await olap.query<{ name: string }>(
    'SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}',
    { database: olap.databases.views, table },
  );
  const isFloatSum = (name: string): boolean => table.startsWith('device_') && FLOAT_SUMS.includes(name);
  const exact = columns.map(({ name }) => name).filter((name) => !NOT_COMPARED.includes(name) && !isFloatSum(name));
  const totals = table.startsWith('device_') ? ['sum', 'sum_squares'] : [];
  const [row] = await olap.query<{ rows: number; sum: string; totals: number[] }>(
    `SELECT count() AS rows, toString(sum(cityHash64(${exact.join(', ')}))) AS sum,
       [${totals.map((name) => `sum(t.${name})`).join(', ')}] AS totals FROM vedette.${table} AS t`,
  );
  return { ...row!, totals: row!.totals.map((total) => total.toPrecision(9)).join(' ') };
}

/** Alerts as they are compared; in the order of their beginning. */
export function comparedAlerts(alerts: readonly Alert[]): Record<string, unknown>[] {
  return alerts.map(({ episode }) => ({
    uid: episode.uid,
    family: episode.family,
    entity: episode.entity,
    isOpen: episode.isOpen,
    severity: episode.severity,
    since: new Date(episode.sinceMs).toISOString(),
    lastPane: new Date(episode.lastPaneMs).toISOString(),
    findings: episode.findingCount,
    detectors: episode.detectors,
    summary: episode.evidence[0]?.summary,
  }));
}
