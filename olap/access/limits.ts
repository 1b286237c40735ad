import type { ClickhouseConfig } from '../../config/clickhouse.ts';

/** A setting of analysts' queries, and the range in which they may set it themselves. */
export interface AnalystSetting {
  readonly name: string;
  readonly value: number | string;
  /** `fixed`: it stays. `lower`: it may be lowered, to 1 at least, since 0 would mean no limit. `free`: as they like. */
  readonly change: 'fixed' | 'lower' | 'free';
}

/** What one query of an analyst may take. A limit of 0 in the configuration is none. */
export function analystSettings({ analysts }: ClickhouseConfig): AnalystSetting[] {
  const limits: [string, number][] = [
    ['max_execution_time', analysts.maxSeconds],
    ['max_memory_usage', analysts.maxMemoryBytes],
    ['max_rows_to_read', analysts.maxRowsToRead],
    ['max_result_rows', analysts.maxResultRows],
    ['max_concurrent_queries_for_user', analysts.maxConcurrentQueries],
    ['max_threads', analysts.maxThreads],
  ];
  return [
    // 2: reads only; other settings may be changed within these bounds, as drivers and dashboards do.
    { name: 'readonly', value: 2, change: 'free' },
    { name: 'allow_ddl', value: 0, change: 'fixed' },
    ...limits.filter(([, value]) => value > 0).map(([name, value]) => ({ name, value, change: 'lower' as const })),
    { name: 'read_overflow_mode', value: 'throw', change: 'fixed' },
    { name: 'timeout_overflow_mode', value: 'throw', change: 'fixed' },
    { name: 'result_overflow_mode', value: 'throw', change: 'fixed' },
    { name: 'cancel_http_readonly_queries_on_client_close', value: 1, change: 'free' },
  ];
}

/** Maxima of the quota in one interval, as ClickHouse names them; none where the configuration says 0. */
export function quotaLimits({ analysts }: ClickhouseConfig): [string, number][] {
  const { queries, readRows, executionSeconds } = analysts.quota;
  const limits: [string, number][] = [
    ['queries', queries],
    ['read_rows', readRows],
    ['execution_time', executionSeconds],
  ];
  return limits.filter(([, value]) => value > 0);
}
