import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCassandra } from '../../cassandra/connect.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import { openCassandraPositions } from '../../log/cassandra/index.ts';
import { type FaultProxy, startProxy } from '../../services/fault-proxy.ts';
import { createTestKeyspace, hasCassandra, type TestKeyspace } from './test-keyspace.ts';

describe.skipIf(!hasCassandra)('Cassandra behind a bad network', () => {
  let keyspace: TestKeyspace;
  let proxy: FaultProxy;
  const sessions: CassandraSession[] = [];

  beforeAll(async () => {
    keyspace = await createTestKeyspace();
    proxy = await startProxy({ target: keyspace.config.contactPoints[0]! });
  });
  afterAll(async () => {
    for (const session of sessions) await session.close();
    await proxy.close();
    await keyspace.drop();
  });

  async function connect(patienceMs: number): Promise<CassandraSession> {
    const config = { ...keyspace.config, contactPoints: [proxy.address], requestTimeoutMs: 3000, patienceMs };
    const session = await connectCassandra(config);
    sessions.push(session);
    return session;
  }

  it('has every compare-and-set whose answer was lost take effect once', async () => {
    const session = await connect(20_000);
    const positions = openCassandraPositions(session);
    const place = { group: 'g', topic: 't', partition: 0 };
    const { epoch } = await positions.claim(place);
    for (let offset = 1; offset <= 12; offset++) {
      const lost = offset % 3 === 0 ? proxy.reset('server') : undefined;
      await positions.commit(place, epoch, { offset, metadata: '' });
      await lost;
    }
    const row = await keyspace.session.serialOne({
      query: `SELECT sequence, next_offset FROM ${keyspace.config.keyspace}.positions WHERE log_group = 'g' AND topic = 't' AND partition = 0`,
      parameters: [],
    });
    // A commit that was repeated would have been counted twice.
    expect(row).toMatchObject({ sequence: 12n, next_offset: 12n });
  }, 60_000);

  it('waits for a network that comes back, and says that it is away where it does not', async () => {
    const session = await connect(15_000);
    const table = `${keyspace.config.keyspace}.source_states`;
    await session.write(`INSERT INTO ${table} (name, state) VALUES (?, ?)`, ['a', '1']);
    proxy.cut();
    const written = session.write(`INSERT INTO ${table} (name, state) VALUES (?, ?)`, ['a', '2']);
    setTimeout(() => proxy.restore(), 1500);
    await written;
    expect(await session.one(`SELECT state FROM ${table} WHERE name = ?`, ['a'])).toMatchObject({ state: '2' });
    const hasty = await connect(300);
    proxy.cut();
    await expect(hasty.one(`SELECT state FROM ${table} WHERE name = ?`, ['a'])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retry: true,
    });
    proxy.restore();
    await expect.poll(() => hasty.one(`SELECT state FROM ${table} WHERE name = ?`, ['a']).catch(() => undefined), { timeout: 15_000 }).toMatchObject({ state: '2' }); // prettier-ignore
  }, 60_000);

  it('leaves open what became of a compare-and-set when nobody answers any more', async () => {
    const session = await connect(500);
    const positions = openCassandraPositions(session);
    const place = { group: 'g', topic: 't', partition: 1 };
    const { epoch } = await positions.claim(place);
    await positions.commit(place, epoch, { offset: 1, metadata: '' });
    proxy.cut();
    await expect(positions.commit(place, epoch, { offset: 2, metadata: '' })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    proxy.restore();
    // The holder is still the holder, whether or not that one took effect.
    await expect
      .poll(() => positions.commit(place, epoch, { offset: 3, metadata: '' }).then(() => 'done', () => 'not yet'), { timeout: 15_000 })
      .toBe('done'); // prettier-ignore
    expect(await openCassandraPositions(keyspace.session).committed(place)).toEqual({ offset: 3, metadata: '' });
  }, 60_000);
});
