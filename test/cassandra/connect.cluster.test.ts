import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCassandra } from '../../cassandra/connect.ts';
import { describeCassandra } from '../../cassandra/describe.ts';
import { migrate, MIGRATIONS, readSchemaVersion } from '../../cassandra/migrate.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { CassandraConfig } from '../../config/cassandra.ts';
import { createTestKeyspace, hasCassandra, testConfig, type TestKeyspace } from './test-keyspace.ts';

const HASTY = { connectTimeoutMs: 1000, patienceMs: 500 };

describe.skipIf(!hasCassandra)('connecting to Cassandra', () => {
  let keyspace: TestKeyspace;
  beforeAll(async () => {
    keyspace = await createTestKeyspace();
  });
  afterAll(() => keyspace.drop());

  async function refusal(changes: Partial<CassandraConfig>): Promise<unknown> {
    const started = performance.now();
    const outcome = await connectCassandra({ ...keyspace.config, ...HASTY, ...changes }).then(
      () => 'connected',
      (error: unknown) => error,
    );
    expect(performance.now() - started).toBeLessThan(10_000);
    return outcome;
  }

  it('says once that nobody answers, and where it asked', async () => {
    // A port that was just free.
    const server = createServer().listen(0, '127.0.0.1');
    const { port } = await new Promise<{ port: number }>((resolve) =>
      server.once('listening', () => resolve(server.address() as { port: number })),
    );
    await new Promise((resolve) => server.close(resolve));
    const address = `127.0.0.1:${port}`;
    expect(await refusal({ contactPoints: [address] })).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retry: true,
      message: expect.stringContaining(address),
    });
  });

  it('says once that a server which takes connections does not answer', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    const { port } = await new Promise<{ port: number }>((resolve) =>
      server.once('listening', () => resolve(server.address() as { port: number })),
    );
    const config = { contactPoints: [`127.0.0.1:${port}`], requestTimeoutMs: 1000 };
    expect(await refusal(config)).toMatchObject({ code: 'STORE_UNAVAILABLE', retry: true });
    server.close();
  });

  it('names a data centre, a file or a variable that is not there', async () => {
    expect(await refusal({ localDataCenter: 'nowhere' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('nowhere'),
    });
    expect(await refusal({ username: 'u', passwordFile: '/nowhere/secret' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('/nowhere/secret'),
    });
    expect(await refusal({ username: 'u', passwordEnv: 'VEDETTE_TEST_NOT_SET' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('VEDETTE_TEST_NOT_SET'),
    });
  });

  it('leaves a keyspace with another replication as it is, and says so', async () => {
    const notices: string[] = [];
    const replication: CassandraConfig['replication'] = { strategy: 'SimpleStrategy', factor: 2, dataCenters: {} };
    const session = await connectCassandra(
      { ...keyspace.config, replication },
      { onNotice: (message) => void notices.push(message) },
    );
    expect(notices).toEqual([expect.stringMatching(/NetworkTopologyStrategy.*SimpleStrategy.*left as it is/)]);
    await session.close();
  });

  it('describes what it is connected to, with or without a keyspace', async () => {
    const description = await describeCassandra(keyspace.session);
    expect(description).toMatchObject({
      servers: [{ dataCenter: keyspace.config.localDataCenter, isUp: true, version: expect.stringMatching(/^[45]\./) }],
      replication: { class: 'NetworkTopologyStrategy', [keyspace.config.localDataCenter]: '1' },
      schemaVersion: MIGRATIONS.length,
      programVersion: MIGRATIONS.length,
    });
    expect(Math.abs(description.clockSkewMs)).toBeLessThan(2000);
    const stranger = await connectCassandra(testConfig(), { schema: 'leave' });
    const nothing = await describeCassandra(stranger);
    expect([nothing.schemaVersion, nothing.replication]).toEqual([0, undefined]);
    await stranger.close();
  });

  describe('the schema', () => {
    let bare: CassandraSession;
    let config: CassandraConfig;
    beforeAll(async () => {
      config = testConfig();
      bare = await connectCassandra(config, { schema: 'leave' });
    });
    afterAll(async () => {
      await bare.command(`DROP KEYSPACE IF EXISTS ${config.keyspace}`);
      await bare.close();
    });

    it('is made once where several processes start at once', async () => {
      const sessions = await Promise.all(
        Array.from({ length: 4 }, () => connectCassandra(config, { schema: 'leave' })),
      );
      await bare.command(
        `CREATE KEYSPACE IF NOT EXISTS ${config.keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      );
      const two = MIGRATIONS.slice(0, 2);
      const done = await Promise.all(sessions.map((session) => migrate(session, two)));
      expect(done.flat().sort()).toEqual([1, 2]);
      expect(done.filter(({ length }) => length > 0)).toHaveLength(1);
      expect(await migrate(bare, two)).toEqual([]);
      expect(await readSchemaVersion(bare)).toBe(2);
      for (const session of sessions) await session.close();
    });

    it('is taken on where a process died in the midst of a step', async () => {
      const third = {
        id: 3,
        name: 'third',
        statements: [`CREATE TABLE IF NOT EXISTS KEYSPACE.third (id int PRIMARY KEY)`],
      };
      // The statement took effect, and nothing says so; the lock of the dead expires.
      await bare.command(third.statements[0]!.replaceAll('KEYSPACE', config.keyspace));
      await bare.write(
        `INSERT INTO ${config.keyspace}.schema_migrations (id, name) VALUES (0, 'a process that died') USING TTL 3`,
        [],
      );
      const started = performance.now();
      expect(await migrate(bare, [...MIGRATIONS.slice(0, 2), third])).toEqual([3]);
      expect(performance.now() - started).toBeGreaterThan(1500);
    });

    it('is refused in words where it is newer than the program, or was changed', async () => {
      await expect(migrate(bare, MIGRATIONS.slice(0, 2))).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/schema 3 \(third\), which is newer than this program/),
      });
      const [first, second] = MIGRATIONS;
      await expect(migrate(bare, [{ ...first!, statements: ['SELECT 1'] }, second!])).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/migration 1 \(positions\) was changed/),
      });
    });
  });
});
