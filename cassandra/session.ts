import type { Client, types } from 'cassandra-driver';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isAway, storeError } from './server-error.ts';
import type { Row } from './row.ts';

/** Values bound to the `?` of a statement; 64-bit integers as BigInt. */
export type Parameters = readonly unknown[];

export interface Statement {
  readonly query: string;
  readonly parameters: Parameters;
}

/**
 * A change that takes effect only if the row is as expected (a lightweight transaction). Rows changed in this way are
 * changed in no other.
 */
export interface ConditionalChange {
  /** INSERT … IF NOT EXISTS or UPDATE … IF; among what it writes is column `attempt` (text). */
  readonly query: string;
  readonly parameters: (attempt: string) => Parameters;
  /** Reads the row, `attempt` included. */
  readonly readBack: Statement;
}

export type ConditionalOutcome = { readonly isApplied: true } | { readonly isApplied: false; readonly row?: Row };

/** Pauses between tries of a statement while servers are away, ms. */
const PAUSE_MS = { first: 50, most: 2_000 };

/**
 * Statements on one keyspace. All are prepared, and none gives more rows than a page at a time.
 *
 * Reads and plain writes may be repeated, so they are, for `patienceMs`, while servers are away. Errors: VedetteError
 * STORE_UNAVAILABLE (servers are away or overloaded: try again), UNAUTHORIZED, UNSUPPORTED (the servers refuse the
 * statement).
 */
export class CassandraSession {
  readonly keyspace: string;
  private readonly client: Client;
  private readonly serial: number;
  private readonly patienceMs: number;
  private isClosed = false;

  constructor(client: Client, options: { keyspace: string; serialConsistency: number; patienceMs: number }) {
    this.client = client;
    this.keyspace = options.keyspace;
    this.serial = options.serialConsistency;
    this.patienceMs = options.patienceMs;
  }

  /** The first row, of a statement that asks for one. */
  async one(query: string, parameters: Parameters): Promise<Row | undefined> {
    const { rows } = await this.patiently(() =>
      this.client.execute(query, [...parameters], { prepare: true, isIdempotent: true }),
    );
    return rows[0];
  }

  /** All rows, fetched page by page as they are taken. */
  async *rows(query: string, parameters: Parameters, options: { pageRows?: number } = {}): AsyncGenerator<Row> {
    let pageState: string | null = null;
    do {
      const result: types.ResultSet = await this.patiently(() =>
        this.client.execute(query, [...parameters], {
          prepare: true,
          isIdempotent: true,
          ...(options.pageRows !== undefined && { fetchSize: options.pageRows }),
          ...(pageState !== null && { pageState }),
        }),
      );
      yield* result.rows;
      ({ pageState } = result);
    } while (pageState !== null);
  }

  /** A write that may be repeated: it sets columns to values, or deletes. Resolves once it is durable. */
  async write(query: string, parameters: Parameters): Promise<void> {
    await this.patiently(() => this.client.execute(query, [...parameters], { prepare: true, isIdempotent: true }));
  }

  /** A row that is changed by {@link change}, with every change that was decided before. */
  async serialOne({ query, parameters }: Statement): Promise<Row | undefined> {
    const { rows } = await this.patiently(() =>
      // Not marked as idempotent: asked of two servers at once it would contend with itself.
      this.client.execute(query, [...parameters], { prepare: true, consistency: this.serial }),
    );
    return rows[0];
  }

  /**
   * Compare-and-set. Never sent again blindly: where the answer is lost the row is read back, and tells by its `attempt`
   * whether the change took effect. STORE_UNAVAILABLE here leaves that open.
   */
  async change(change: ConditionalChange): Promise<ConditionalOutcome> {
    const attempt = randomUUID();
    const parameters = [...change.parameters(attempt)];
    const until = Date.now() + this.patienceMs;
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
      let isAnswered = true;
      try {
        const result = await this.client.execute(change.query, parameters, { prepare: true, isIdempotent: false });
        if (result.wasApplied()) return { isApplied: true };
      } catch (error) {
        const failure = storeError(error);
        if (!isAway(failure) || this.isClosed || Date.now() >= until) throw failure;
        isAnswered = false;
        await pause(jittered(pauseMs));
      }
      const row = await this.serialOne(change.readBack);
      if (row?.['attempt'] === attempt) return { isApplied: true };
      if (isAnswered) return { isApplied: false, ...(row && { row }) };
    }
  }

  /** A change of the schema; resolves once all servers agree on it. */
  async command(query: string): Promise<void> {
    const { info } = await this.patiently(() => this.client.execute(query, [], { prepare: false, isIdempotent: true }));
    const agreed = (info as { isSchemaInAgreement?: boolean }).isSchemaInAgreement;
    if (agreed === false) throw storeError(new Error('the servers do not agree on the schema yet'));
  }

  /** Servers as this client sees them. */
  servers(): { address: string; dataCenter: string; rack: string; version: string; isUp: boolean }[] {
    return this.client.hosts.values().map((host) => ({
      address: host.address,
      dataCenter: host.datacenter,
      rack: host.rack,
      version: host.cassandraVersion,
      isUp: host.isUp(),
    }));
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.client.shutdown();
  }

  private async patiently<T>(ask: () => Promise<T>): Promise<T> {
    const until = Date.now() + this.patienceMs;
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.most)) {
      try {
        return await ask();
      } catch (error) {
        const failure = storeError(error);
        if (!isAway(failure) || this.isClosed || Date.now() + pauseMs > until) throw failure;
        await pause(jittered(pauseMs));
      }
    }
  }
}

/** Many workers that lost the same server don't come back in the same instant. */
function jittered(pauseMs: number): number {
  return pauseMs / 2 + (Math.random() * pauseMs) / 2;
}
