import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCassandraHeaders } from '../../../ingest/cassandra/headers.ts';
import { openCassandraDeadLetters } from '../../../ingest/cassandra/index.ts';
import { openCassandraSourceStates } from '../../../ingest/cassandra/source-states.ts';
import { createTestKeyspace, hasCassandra, type TestKeyspace } from '../../cassandra/test-keyspace.ts';
import { describeDeadLetterStore, letter } from '../dead-letter-store.contract.ts';
import { describeHeaderStore, header } from '../header-store.contract.ts';
import { describeSourceStateStore } from '../source-state-store.contract.ts';

describe.skipIf(!hasCassandra)('ingest stores in Cassandra', () => {
  let keyspace: TestKeyspace;
  let names = 0;
  beforeAll(async () => {
    keyspace = await createTestKeyspace();
  });
  afterAll(() => keyspace.drop());

  describeDeadLetterStore('Cassandra', async () => {
    const name = `letters-${++names}`;
    return {
      open: async (options) => openCassandraDeadLetters(keyspace.session, { name, ...options }),
      remove: () => Promise.resolve(),
    };
  });

  describeSourceStateStore('Cassandra', async () => ({
    open: async () => openCassandraSourceStates(keyspace.session),
    remove: () => Promise.resolve(),
  }));

  describeHeaderStore('Cassandra', async () => ({
    open: async () => ({
      ...openCassandraHeaders(keyspace.session, { retentionDays: 30 }),
      close: () => Promise.resolve(),
    }),
    remove: () => keyspace.session.command(`TRUNCATE ${keyspace.session.keyspace}.source_headers`),
  }));

  it('keeps headers for as long as rows are kept, and two days more', async () => {
    const { session } = keyspace;
    const leftOf = async (source: string, retentionDays: number | 'forever'): Promise<unknown> => {
      await openCassandraHeaders(session, { retentionDays }).put([header(1, { source })]);
      const query = `SELECT TTL(state) AS seconds FROM ${session.keyspace}.source_headers WHERE source = ?`;
      return (await session.one(query, [source]))?.['seconds'];
    };
    expect(await leftOf('days', 30)).toBeGreaterThan(32 * 86_400 - 60);
    expect(await leftOf('days', 30)).toBeLessThanOrEqual(32 * 86_400);
    // Longer than Cassandra can count.
    expect(await leftOf('decades', 36_500)).toBeNull();
    expect(await leftOf('ever', 'forever')).toBeNull();
  });

  it('gives letters of several writers ids of their own, that rise, and one limit', async () => {
    const name = `letters-${++names}`;
    let dropped = 0;
    const open = () =>
      openCassandraDeadLetters(keyspace.session, {
        name,
        maxLetterBytes: 300_000,
        onDropped: (letters) => (dropped += letters),
      });
    const writers = Array.from({ length: 4 }, open);
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let i = 0; i < 30; i++) {
          const source = `writer ${w}`;
          await writer.put(
            Array.from({ length: 10 }, (_, j) => letter(i * 10 + j, { source, bytes: Buffer.alloc(400) })),
          );
        }
      }),
    );
    const { letters } = await open().list({}, { limit: 5000 });
    const ids = letters.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(letters.length + dropped).toBe(1200);
    expect(letters.length * 656).toBeLessThanOrEqual(300_000);
    expect(letters.length * 656).toBeGreaterThan(250_000);
    expect(await open().counts()).toEqual({ not_json: letters.length });
    for (let w = 0; w < 4; w++) {
      const own = letters.filter(({ source }) => source === `writer ${w}`).map(({ position }) => position);
      expect(own).toEqual([...own].sort((a, b) => b - a));
    }
    for (const writer of writers) await writer.close();
    // Nothing of what was dropped is left on the disk.
    const { session } = keyspace;
    for (const table of ['dead_letters', 'dead_letter_places']) {
      let rows = 0;
      for await (const row of session.rows(`SELECT store, id FROM ${session.keyspace}.${table}`, []))
        if (row['store'] === name) rows++;
      expect(rows, table).toBe(letters.length);
    }
  });

  it('keeps letters of different names apart', async () => {
    const open = (name: string) => openCassandraDeadLetters(keyspace.session, { name, maxLetterBytes: 1 << 20 });
    await open('one').put([letter(1)]);
    expect(await open('other').counts()).toEqual({});
    expect((await open('other').list({}, { limit: 10 })).letters).toEqual([]);
  });
});
