import { inLanes } from '../../model/lanes.ts';
import { numberAt, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { HeaderStore, StoredHeader } from '../header-store.ts';
import { placeName } from './place-name.ts';

/** Headers that are written at a time. */
const LANES = 16;
const DAY_S = 86_400;
/** Of a time to live, at Cassandra: twenty years; what is to be kept for longer is kept. */
const MOST_DAYS = 7300;
/** A header stays for longer than the last row that was read with it: see `HEADER_RENEW_MS` of ingest. */
const SPARE_DAYS = 2;

/**
 * Headers of sources in Cassandra: a row a source and position, written plainly. They go by age: with the rows that they
 * are for, `retentionDays` after the last time that they were put.
 */
export function openCassandraHeaders(
  session: CassandraSession,
  { retentionDays }: { readonly retentionDays: number | 'forever' },
): HeaderStore {
  const table = `${session.keyspace}.source_headers`;
  const days = retentionDays === 'forever' ? Infinity : retentionDays + SPARE_DAYS;
  /** 0: no end. */
  const ttlSeconds = days > MOST_DAYS ? 0 : days * DAY_S;
  return {
    put: async (headers) => {
      await inLanes(headers, LANES, ({ source, position, format, state }) =>
        session.write(`INSERT INTO ${table} (source, position, format, state) VALUES (?, ?, ?, ?) USING TTL ?`, [
          ...[placeName(source), BigInt(position), format, state],
          ttlSeconds,
        ]),
      );
    },
    of: async (source) => {
      const query = `SELECT position, format, state FROM ${table} WHERE source = ?`;
      const headers: StoredHeader[] = [];
      for await (const row of session.rows(query, [placeName(source)])) {
        const [format, state] = [textAt(row, 'format'), textAt(row, 'state')];
        headers.push({ source, position: numberAt(row, 'position'), format, state });
      }
      return headers;
    },
  };
}
