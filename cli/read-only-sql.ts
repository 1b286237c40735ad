import { VedetteError } from '../model/errors.ts';
import type { SqlOptions, SqlResult } from '../console/backend.ts';
import { createAgent, type OlapTls, post } from '../olap/http-transport.ts';
import { VIEW_DATABASE } from '../olap/schema/databases.ts';
import type { OlapEndpoint } from '../olap/client.ts';

const FORMATS: Record<SqlOptions['format'], { name: string; contentType: string }> = {
  json: { name: 'JSON', contentType: 'application/json' },
  ndjson: { name: 'JSONEachRow', contentType: 'application/x-ndjson' },
  csv: { name: 'CSVWithNames', contentType: 'text/csv; charset=utf-8' },
  table: { name: 'PrettyCompactMonoBlock', contentType: 'text/plain; charset=utf-8' },
};
const MAX_MEMORY_BYTES = 400e6;

/** Where statements run; the database is that of the views. */
export interface SqlServer {
  readonly endpoint: OlapEndpoint;
  readonly tls?: OlapTls;
  readonly database?: string;
}

/**
 * Runs one statement as the operator of this machine: read-only, over the views, with limits on time, memory and rows.
 * This is no gate for others: functions that read this machine's files are within reach.
 *
 * Errors: OLAP_REFUSED with ClickHouse's words, OLAP_UNAVAILABLE.
 */
export async function readOnlySql(
  { endpoint, tls = {}, database = VIEW_DATABASE }: SqlServer,
  statement: string,
  parameters: Readonly<Record<string, string>>,
  options: SqlOptions,
): Promise<SqlResult> {
  const format = FORMATS[options.format];
  const started = performance.now();
  const agent = createAgent(endpoint, { tls });
  try {
    const body = await post(endpoint, {
      agent,
      parameters: {
        ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`param_${name}`, escaped(value)])),
        database,
        default_format: format.name,
        readonly: '1',
        // An error half-way through comes as an error, not as an answer that breaks off.
        wait_end_of_query: '1',
        max_execution_time: String(options.timeoutMs / 1000),
        max_memory_usage: String(MAX_MEMORY_BYTES),
        max_result_rows: String(options.maxRows),
        result_overflow_mode: 'throw',
        output_format_json_quote_64bit_integers: '0',
        output_format_pretty_color: '0',
        output_format_pretty_row_numbers: '0',
      },
      body: [Buffer.from(statement)],
      timeoutMs: options.timeoutMs + 5000,
    });
    return {
      contentType: format.contentType,
      body,
      rows: countRows(body, options.format),
      elapsedMs: performance.now() - started,
    };
  } catch (error) {
    if (error instanceof VedetteError && error.message.includes('TOO_MANY_ROWS_OR_BYTES'))
      throw new VedetteError(
        'OLAP_REFUSED',
        `the result has more than ${options.maxRows} rows: add a LIMIT, or raise max_rows`,
        {
          cause: error,
        },
      );
    throw error;
  } finally {
    agent.destroy();
  }
}

/** ClickHouse reads a parameter's value as a field of TSV. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

function countRows(body: string, format: SqlOptions['format']): number {
  if (format === 'json') {
    const parsed = parseJson(body) as { rows?: number } | undefined;
    return parsed?.rows ?? 0;
  }
  const lines = body.split('\n').length - 1;
  if (format === 'csv') return Math.max(0, lines - 1);
  return format === 'table' ? Math.max(0, lines - 3) : lines;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The statement may have asked for a format of its own.
    return undefined;
  }
}
