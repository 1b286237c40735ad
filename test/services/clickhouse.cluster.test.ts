import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverVariable } from './server-variable.ts';

const url = serverVariable('VEDETTE_CLICKHOUSE');
const analyst = {
  username: process.env['VEDETTE_CLICKHOUSE_ANALYST_USER'] ?? '',
  password: process.env['VEDETTE_CLICKHOUSE_ANALYST_PASSWORD'] ?? '',
};
const owner = {
  username: process.env['VEDETTE_CLICKHOUSE_USER'] ?? '',
  password: process.env['VEDETTE_CLICKHOUSE_PASSWORD'] ?? '',
};

/** Users and limits of deploy/compose/clickhouse, on a server that has them: skipped on one of the user's own. */
describe.skipIf(url === undefined || analyst.username === '')('the users of the ClickHouse server', () => {
  const database = 'vedette';
  const table = `users_${Math.random().toString(36).slice(2)}`;
  const connect = (user: typeof owner) =>
    createClient({ url: url ?? '', log: { level: ClickHouseLogLevel.OFF }, ...user });
  const asOwner = connect(owner);
  const asAnalyst = connect(analyst);

  async function rows(client: typeof asOwner, query: string): Promise<unknown[]> {
    return (await client.query({ query, format: 'JSONEachRow' })).json();
  }

  beforeAll(async () => {
    await asOwner.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
    await asOwner.command({ query: `CREATE TABLE ${database}.${table} (n UInt64) ENGINE = MergeTree ORDER BY n` });
    await asOwner.insert({ table: `${database}.${table}`, values: [{ n: 1 }, { n: 2 }], format: 'JSONEachRow' });
  });
  afterAll(async () => {
    await asOwner.command({ query: `DROP TABLE IF EXISTS ${database}.${table}` });
    await Promise.all([asOwner.close(), asAnalyst.close()]);
  });

  it('refuse a wrong password in words', async () => {
    const stranger = connect({ username: owner.username, password: 'wrong' });
    await expect(rows(stranger, 'SELECT 1')).rejects.toThrow(/Authentication failed/);
    await stranger.close();
  });

  it('let an analyst read what Vedette stores, and nothing else', async () => {
    expect(await rows(asAnalyst, `SELECT max(toString(n)) AS last FROM ${database}.${table}`)).toEqual([{ last: '2' }]);
    await expect(rows(asAnalyst, 'SELECT name FROM system.users')).rejects.toThrow(/[Nn]ot enough privileges/);
  });

  it.each([
    ['writes', `INSERT INTO ${database}.${table} VALUES (3)`],
    ['drops', `DROP TABLE ${database}.${table}`],
    ['makes tables', `CREATE TABLE ${database}.more (n UInt8) ENGINE = Memory`],
    ['ends queries', "KILL QUERY WHERE query_id = 'x'"],
    ['reads over the network', "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"],
  ])('refuse an analyst who %s', async (_what, query) => {
    await expect(asAnalyst.command({ query })).rejects.toThrow(/readonly|privileges|ACCESS_DENIED/i);
  });

  it.each(['max_memory_usage = 4000000000', 'max_execution_time = 0', 'max_threads = 64', 'readonly = 0'])(
    'let no analyst lift a limit: %s',
    async (setting) => {
      await expect(rows(asAnalyst, `SELECT 1 SETTINGS ${setting}`)).rejects.toThrow(
        /should(n't| not)|[Cc]annot|readonly/,
      );
    },
  );

  it('end a query that takes too much', async () => {
    const greedy = 'SELECT uniqExact(number) FROM numbers(1000000000)';
    await expect(rows(asAnalyst, greedy)).rejects.toThrow(/limit|exceeded/i);
  });
});
