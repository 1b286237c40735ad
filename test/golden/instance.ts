/**
 * One run of the whole pipeline over given logs, in a process of its own so that it can be killed: prints what it stored
 * and knows as one line of JSON. `node --import tsx instance.ts '{"paths": […], "dataDir": …, …}'`
 */
import { allAlerts, analyze } from '../../cli/analyze-run.ts';
import type { Embedded } from '../../cli/embedded.ts';
import { parseConfig } from '../../config/load.ts';
import { digestOf } from '../../stream/snapshot.ts';

export interface GoldenJob {
  readonly paths: readonly string[];
  readonly dataDir: string;
  readonly config: Record<string, unknown>;
  /** Ends by kill -9 when this point is reached for the so-manieth time. */
  readonly kill?: { readonly point: string; readonly times: number };
  readonly killAfterMs?: number;
  /** Wall clock, ms ahead of the machine's. */
  readonly aheadMs?: number;
}

export interface GoldenResult {
  readonly alerts: readonly Record<string, unknown>[];
  /** By table: rows, and a checksum that does not depend on their order. */
  readonly rows: Readonly<Record<string, { readonly rows: number; readonly sum: string; readonly totals: string }>>;
  readonly digest: Readonly<Record<string, string>>;
  readonly events: number;
  readonly late: number;
  readonly deadLetters: number;
}

/** What tells rows apart, whatever the partition, the block and the wall clock. */
const NOT_COMPARED = ['_part', '_off', '_stored', 'received_time'];
/**
 * ClickHouse's sums of readings: floats, whose last digits depend on how rows are cut into blocks. They are compared by
 * their totals, to nine digits; everything else bit by bit.
 */
const FLOAT_SUMS = ['sum', 'sum_squares', 'mean', 'sd'];

async function checksum(instance: Embedded, table: string): Promise<{ rows: number; sum: string; totals: string }> {
  const columns = await instance.olap.query<{ name: string }>(
    "SELECT name FROM system.columns WHERE database = 'vedette' AND table = {table:String}",
    { table },
  );
  const isFloatSum = (name: string): boolean => table.startsWith('device_') && FLOAT_SUMS.includes(name);
  const exact = columns.map(({ name }) => name).filter((name) => !NOT_COMPARED.includes(name) && !isFloatSum(name));
  const totals = table.startsWith('device_') ? ['sum', 'sum_squares'] : [];
  const [row] = await instance.olap.query<{ rows: number; sum: string; totals: number[] }>(
    `SELECT count() AS rows, toString(sum(cityHash64(${exact.join(', ')}))) AS sum,
       [${totals.map((name) => `sum(t.${name})`).join(', ')}] AS totals FROM vedette.${table} AS t`,
  );
  return { ...row!, totals: row!.totals.map((total) => total.toPrecision(9)).join(' ') };
}

const TABLES = [
  'events', 'net_1m', 'net_5m', 'net_1h', 'device_1m', 'device_5m', 'device_1h',
  'host_features_1m', 'host_features_5m', 'host_features_1h', 'target_features_pane', 'reading_features_1m',
]; // prettier-ignore

async function run(job: GoldenJob): Promise<GoldenResult> {
  let seen = 0;
  if (job.killAfterMs !== undefined) setTimeout(() => process.kill(process.pid, 'SIGKILL'), job.killAfterMs);
  return analyze(
    {
      paths: job.paths,
      dataDir: job.dataDir,
      config: parseConfig(job.config),
      onNotice: (level, message) => {
        if (level !== 'info') console.error(`${level}: ${message}`);
      },
      embedded: {
        now: () => Date.now() + (job.aheadMs ?? 0),
        sinkLimits: { flushMs: 20, maxRows: 5000 },
        at: (point) => {
          if (point === job.kill?.point && ++seen === job.kill.times) process.kill(process.pid, 'SIGKILL');
        },
      },
    },
    async (instance, summary) => ({
      alerts: (await allAlerts(instance)).map(({ episode }) => ({
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
      })),
      rows: Object.fromEntries(
        await Promise.all(TABLES.map(async (table) => [table, await checksum(instance, table)])),
      ) as GoldenResult['rows'],
      digest: digestOf([...instance.stage1, ...instance.stage2].map(({ worker }) => worker.state)),
      events: summary.events,
      late: summary.late,
      deadLetters: Object.values(summary.deadLetters).reduce((sum, count) => sum + count, 0),
    }),
  );
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as GoldenJob)));
