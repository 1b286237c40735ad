import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Limits that keep the child server small beside the pipeline. */
export interface ChildLimits {
  /** Memory that ClickHouse may track, bytes: beyond it queries fail, not the process. */
  readonly maxMemoryBytes: number;
  /** Memory of one query, bytes. */
  readonly maxQueryMemoryBytes: number;
  /** Threads of one query. */
  readonly maxThreads: number;
}

/** Where the child's files are, inside its data folder. */
export interface ChildPaths {
  readonly store: string;
  readonly config: string;
  readonly users: string;
  readonly log: string;
  readonly lock: string;
}

export function childPaths(dataDir: string): ChildPaths {
  return {
    store: join(dataDir, 'store'),
    config: join(dataDir, 'config.xml'),
    users: join(dataDir, 'users.xml'),
    log: join(dataDir, 'clickhouse.log'),
    lock: join(dataDir, 'child.json'),
  };
}

/**
 * Writes the configuration, readable by its owner only: the secret path is what keeps other users of the machine out,
 * since the process that hosts the library logs in without a password.
 */
export function writeChildConfig(paths: ChildPaths, secret: string, limits: ChildLimits): void {
  mkdirSync(paths.store, { recursive: true, mode: 0o700 });
  writeFileSync(paths.users, usersXml(limits), { mode: 0o600 });
  writeFileSync(paths.config, configXml(paths, secret, limits), { mode: 0o600 });
}

function usersXml(limits: ChildLimits): string {
  return `<clickhouse>
  <profiles><default>
    <max_memory_usage>${limits.maxQueryMemoryBytes}</max_memory_usage>
    <max_threads>${limits.maxThreads}</max_threads>
    <compile_expressions>0</compile_expressions>
    <compile_aggregate_expressions>0</compile_aggregate_expressions>
    <compile_sort_description>0</compile_sort_description>
    <log_queries>0</log_queries>
    <log_query_threads>0</log_query_threads>
    <log_processors_profiles>0</log_processors_profiles>
    <query_profiler_real_time_period_ns>0</query_profiler_real_time_period_ns>
    <query_profiler_cpu_time_period_ns>0</query_profiler_cpu_time_period_ns>
    <memory_profiler_step>0</memory_profiler_step>
  </default></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
  </default></users>
</clickhouse>
`;
}

function configXml(paths: ChildPaths, secret: string, limits: ChildLimits): string {
  return `<clickhouse>
  <users_config>${escapeXml(paths.users)}</users_config>
  <user_directories><users_xml><path>${escapeXml(paths.users)}</path></users_xml></user_directories>
  <http_handlers><rule><url>/${secret}</url><handler>
    <type>dynamic_query_handler</type><query_param_name>query</query_param_name>
  </handler></rule></http_handlers>
  <max_server_memory_usage>${limits.maxMemoryBytes}</max_server_memory_usage>
  <mark_cache_size>16777216</mark_cache_size>
  <index_mark_cache_size>4194304</index_mark_cache_size>
  <primary_index_cache_size>16777216</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <mmap_cache_size>64</mmap_cache_size>
  <query_cache><max_size_in_bytes>0</max_size_in_bytes></query_cache>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <tables_loader_foreground_pool_size>2</tables_loader_foreground_pool_size>
  <tables_loader_background_pool_size>1</tables_loader_background_pool_size>
  <asynchronous_metrics_update_period_s>60</asynchronous_metrics_update_period_s>
  <asynchronous_heavy_metrics_update_period_s>3600</asynchronous_heavy_metrics_update_period_s>
  <max_connections>256</max_connections>
  <keep_alive_timeout>30</keep_alive_timeout>
  <merge_tree>
    <max_bytes_to_merge_at_max_space_in_pool>4294967296</max_bytes_to_merge_at_max_space_in_pool>
    <merge_max_block_size>4096</merge_max_block_size>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
