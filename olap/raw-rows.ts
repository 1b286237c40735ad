import { VedetteError } from '../model/errors.ts';
import type { OlapClient } from './client.ts';
import { VIEW_DATABASE } from './schema/databases.ts';

/** Event times, ms: from inclusive, to exclusive. */
export interface RawRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One stored line. A line of several events is stored once an event, at positions that follow each other. */
export interface RawRow {
  readonly source: string;
  readonly position: number;
  readonly receivedMs: number;
  readonly raw: string;
}

/** A source without its incarnation: what is read as one input. */
export interface RawSource {
  readonly name: string;
  readonly rows: number;
  /** Oldest event time of those that were not late, ms. */
  readonly firstMs: number;
  /** The row that arrived first. */
  readonly first: Pick<RawRow, 'source' | 'position' | 'raw'>;
}

/** A source's id without its incarnation, as `sourceName` makes it of a row's. */
const NAME = `replaceRegexpOne(_src, '#[^#]*$', '')`;
const WHERE = 'time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})';
const MAX_SOURCES = 10_000;
/** A range may be larger than memory: it is sorted on disk then. */
const SETTINGS = {
  max_memory_usage: '400000000',
  max_bytes_before_external_sort: '150000000',
  max_bytes_before_external_group_by: '150000000',
  max_threads: 1,
  max_block_size: '8192',
} as const;

/** The id of a source without its incarnation. */
export function sourceName(source: string): string {
  return source.replace(/#[^#]*$/, '');
}

/** The sources that have rows in the range, by their oldest event. Errors: OLAP_UNAVAILABLE, UNSUPPORTED (over 10,000). */
export async function rawSources(client: OlapClient, { fromMs, toMs }: RawRange): Promise<RawSource[]> {
  const found = await client.query<{
    name: string;
    rows: number;
    firstMs: number;
    source: string;
    position: number;
    raw: string;
  }>(
    `SELECT ${NAME} AS name, count() AS rows, toUnixTimestamp64Milli(minIf(time, late = 0)) AS firstMs,
      argMin(_src, (received_time, _src, _pos)) AS source,
      argMin(_pos, (received_time, _src, _pos)) AS position,
      argMin(raw, (received_time, _src, _pos)) AS raw
    FROM ${VIEW_DATABASE}.events WHERE ${WHERE} GROUP BY name ORDER BY firstMs, name LIMIT ${MAX_SOURCES + 1}`,
    { from: fromMs, to: toMs },
    { max_threads: 1 },
  );
  if (found.length > MAX_SOURCES)
    throw new VedetteError('UNSUPPORTED', `more than ${MAX_SOURCES} sources have rows there: take a shorter time`);
  return found.map(({ name, rows, firstMs, source, position, raw }) => ({
    name,
    rows,
    firstMs: Math.max(firstMs, fromMs),
    first: { source, position, raw },
  }));
}

/**
 * The stored lines of a range in the order of their arrival, in blocks: what is not taken waits at the server. The
 * client must be one that waits for long. Errors: OLAP_UNAVAILABLE; the signal's reason.
 */
export async function* readRawRows(
  client: OlapClient,
  { fromMs, toMs }: RawRange,
  signal: AbortSignal,
): AsyncGenerator<RawRow[], void, undefined> {
  const sql = `SELECT _src AS source, _pos AS position, toUnixTimestamp64Milli(received_time) AS receivedMs, raw
    FROM ${VIEW_DATABASE}.events WHERE ${WHERE} ORDER BY received_time, _src, _pos`;
  for await (const rows of client.stream<RawRow>(sql, {
    parameters: { from: fromMs, to: toMs },
    settings: SETTINGS,
    signal,
  })) {
    signal.throwIfAborted();
    yield rows;
  }
}
