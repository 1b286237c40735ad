import { type ClickHouseClient, ClickHouseError, createClient } from '@clickhouse/client';
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { VedetteError } from '../model/errors.ts';
import { type DatabaseNames, databaseNames, withDatabasePrefix } from './database-names.ts';
import { createAgent, olapError, type OlapSettings, type OlapTls, post } from './http-transport.ts';

/** Where a ClickHouse server answers. */
export interface OlapEndpoint {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** Path of the query handler, where it isn't `/`. */
  readonly pathname?: string;
  readonly username?: string;
  readonly password?: string;
}

export interface OlapClientOptions {
  /** Asked before each statement: the embedded server may come back on another port. */
  readonly endpoint: () => OlapEndpoint;
  readonly timeoutMs?: number;
  readonly maxConnections?: number;
  readonly tls?: OlapTls;
  /** Beginning of the names of both databases; statements are written without it. */
  readonly databasePrefix?: string;
  /** Settings of inserts, in the place of {@link INSERT_SETTINGS}. */
  readonly insertSettings?: OlapSettings;
}

/** Values bound to `{name:Type}` in a statement. */
export type OlapParameters = Readonly<Record<string, unknown>>;

export interface InsertOptions {
  /** The same token again is the same insert again: ClickHouse drops it. */
  readonly token: string;
  readonly settings?: OlapSettings;
  /** Called when there is a connection, and waited for. Where it rejects, nothing is sent, and the insert rejects alike. */
  readonly beforeSend?: () => Promise<void>;
  /** Called when the last byte has been handed to the connection, before the answer. */
  readonly onSent?: () => void;
}

interface Connection {
  readonly key: string;
  readonly client: ClickHouseClient;
  readonly agent: HttpAgent | HttpsAgent;
}

/**
 * Settings that make an insert exact: synchronous, one block whatever its size, and dropped as a whole, in the views
 * too, when its token was seen before.
 */
export const INSERT_SETTINGS: OlapSettings = {
  async_insert: 0,
  deduplicate_insert: 'enable',
  deduplicate_blocks_in_dependent_materialized_views: 1,
  max_insert_threads: 1,
  max_threads: 1,
  max_partitions_per_insert_block: 0,
  wait_end_of_query: 1,
  input_format_native_allow_types_conversion: 1,
  input_format_skip_unknown_fields: 0,
};

/**
 * Queries and inserts over HTTP, the same for the embedded server and a cluster.
 *
 * Errors: VedetteError OLAP_UNAVAILABLE (no connection, overloaded, stopping: try again), OLAP_REFUSED (the statement
 * is wrong or not allowed), UNAUTHORIZED (user or password).
 */
export class OlapClient {
  readonly #options: Required<OlapClientOptions>;
  /** The names that its statements' databases have on the server. */
  readonly databases: DatabaseNames;
  #connection: Connection | undefined;

  constructor(options: OlapClientOptions) {
    this.#options = {
      timeoutMs: 120_000,
      maxConnections: 16,
      tls: {},
      databasePrefix: '',
      insertSettings: INSERT_SETTINGS,
      ...options,
    };
    this.databases = databaseNames(this.#options.databasePrefix);
  }

  /** Rows as objects. 64-bit integers come as numbers, exact up to 2^53. */
  async query<T>(sql: string, parameters: OlapParameters = {}, settings: OlapSettings = {}): Promise<T[]> {
    return this.#guard(async ({ client }) => {
      const result = await client.query({
        query: this.#named(sql),
        query_params: { ...parameters },
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0, ...settings },
      });
      return result.json<T>();
    });
  }

  /** The same in blocks, for more rows than memory holds: what is not taken waits at the server. */
  async *stream<T>(
    sql: string,
    options: { readonly parameters: OlapParameters; readonly settings: OlapSettings; readonly signal: AbortSignal },
  ): AsyncGenerator<T[], void, undefined> {
    const { client } = this.#connect();
    try {
      const result = await client.query({
        query: this.#named(sql),
        query_params: { ...options.parameters },
        format: 'JSONEachRow',
        abort_signal: options.signal,
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0, ...options.settings },
      });
      for await (const rows of result.stream<T>()) yield rows.map((row) => row.json());
    } catch (error) {
      options.signal.throwIfAborted();
      throw asOlapError(error);
    }
  }

  /** A statement without rows: DDL, or an INSERT … SELECT. */
  async command(sql: string, parameters: OlapParameters = {}, settings: OlapSettings = {}): Promise<void> {
    await this.#guard(({ client }) =>
      client.command({
        query: this.#named(sql),
        query_params: { ...parameters },
        clickhouse_settings: { ...settings },
      }),
    );
  }

  /** One insert of Native bytes (one or more blocks), sent without copying; resolves once the rows are stored. */
  async insertNative(table: string, body: readonly Uint8Array[], options: InsertOptions): Promise<void> {
    await this.#insert(`INSERT INTO ${table} FORMAT Native`, body, options);
  }

  /** One insert of a few rows as objects; times as milliseconds since 1970. */
  async insertRows(table: string, rows: readonly object[], options: InsertOptions): Promise<void> {
    const body = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'));
    await this.#insert(`INSERT INTO ${table} FORMAT JSONEachRow`, [body], options);
  }

  async #insert(sql: string, body: readonly Uint8Array[], options: InsertOptions): Promise<void> {
    const parameters: Record<string, string> = { query: this.#named(sql), insert_deduplication_token: options.token };
    for (const [name, value] of Object.entries({ ...this.#options.insertSettings, ...options.settings })) {
      parameters[name] = String(value);
    }
    const { agent } = this.#connect();
    await post(this.#options.endpoint(), {
      agent,
      parameters,
      body,
      timeoutMs: this.#options.timeoutMs,
      ...(options.beforeSend && { beforeSend: options.beforeSend }),
      ...(options.onSent && { onSent: options.onSent }),
    });
  }

  #named(sql: string): string {
    return withDatabasePrefix(sql, this.#options.databasePrefix);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.agent.destroy();
    await connection?.client.close();
  }

  #connect(): Connection {
    const endpoint = this.#options.endpoint();
    const key = JSON.stringify(endpoint);
    if (this.#connection?.key === key) return this.#connection;
    // The old one's requests fail by themselves: their server is gone.
    this.#connection?.agent.destroy();
    void this.#connection?.client.close();
    const { tls, maxConnections, timeoutMs } = this.#options;
    const client = createClient({
      url: endpoint.url,
      request_timeout: timeoutMs,
      max_open_connections: maxConnections,
      ...tlsOf(tls),
      ...(endpoint.pathname !== undefined && { pathname: endpoint.pathname }),
      ...(endpoint.username !== undefined && { username: endpoint.username }),
      ...(endpoint.password !== undefined && { password: endpoint.password }),
      log: { level: 127 },
    });
    this.#connection = { key, client, agent: createAgent(endpoint, { tls, maxConnections }) };
    return this.#connection;
  }

  async #guard<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#connect());
    } catch (error) {
      throw asOlapError(error);
    }
  }
}

function asOlapError(error: unknown): VedetteError {
  if (error instanceof VedetteError) return error;
  if (error instanceof ClickHouseError) return olapError(Number(error.code), error.message);
  const reason = error instanceof Error ? error.message : String(error);
  return new VedetteError('OLAP_UNAVAILABLE', `ClickHouse does not answer: ${reason}`, { cause: error });
}

/** The client's own form of the same: it takes no key without authorities. */
function tlsOf({ ca, cert, key }: OlapTls): Pick<Parameters<typeof createClient>[0] & object, 'tls'> {
  if (ca === undefined) return {};
  const ca_cert = Buffer.from(ca);
  return {
    tls:
      cert === undefined || key === undefined
        ? { ca_cert }
        : { ca_cert, cert: Buffer.from(cert), key: Buffer.from(key) },
  };
}
