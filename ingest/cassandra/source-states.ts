import { inLanes } from '../../model/lanes.ts';
import { textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { SourceStateStore } from '../source-state.ts';

/** States that are written at a time. */
const LANES = 16;

/** Where sources are read on, in Cassandra: a row a source, written plainly, so the last that was saved stays. */
export function openCassandraSourceStates(session: CassandraSession): SourceStateStore {
  const table = `${session.keyspace}.source_states`;
  return {
    load: async (name) => {
      const row = await session.one(`SELECT state FROM ${table} WHERE name = ?`, [name]);
      return row && textAt(row, 'state');
    },
    save: async (entries) => {
      // Of one name the last, as if they were saved one after the other.
      const newest = [...new Map(entries.map((entry) => [entry.name, entry.state]))];
      await inLanes(newest, LANES, ([name, state]) =>
        session.write(`INSERT INTO ${table} (name, state) VALUES (?, ?)`, [name, state]),
      );
    },
    /** The session is whose it was. */
    close: () => Promise.resolve(),
  };
}
