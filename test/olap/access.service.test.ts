import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickhouseSchema } from '../../config/clickhouse.ts';
import { EventClass } from '../../model/event-columns.ts';
import { accessXml } from '../../olap/access/access-xml.ts';
import type { OlapClient } from '../../olap/client.ts';
import { connectClickhouse } from '../../olap/connect.ts';
import { migrate } from '../../olap/migrate.ts';
import { layoutOf } from '../../olap/schema/layout.ts';
import { clickhouseSpec } from '../../services/clickhouse.ts';
import { freePorts } from '../../services/free-ports.ts';
import { ServerProcess } from '../../services/server-process.ts';
import { eventsNative } from './store-fixture.ts';

const PASSWORD = 'of-the-analyst';

describe('an analyst of the users file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vedette-access-'));
  let server: ServerProcess;
  let owner: OlapClient;
  let analyst: OlapClient;

  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    const spec = clickhouseSpec({ dir, port, passwords: { vedette: 'of-the-owner', analyst: 'unused' } });
    const config = clickhouseSchema.parse({
      url: `http://127.0.0.1:${port}`,
      username: 'vedette',
      passwordFile: join(dir, 'password'),
      analysts: {
        users: [{ name: 'ada', passwordSha256: createHash('sha256').update(PASSWORD).digest('hex') }],
        maxRowsToRead: 100_000,
        maxResultRows: 10,
        quota: { queries: 40 },
      },
    });
    writeFileSync(join(dir, 'password'), 'of-the-owner\n');
    writeFileSync(join(dir, 'analyst-password'), `${PASSWORD}\n`);
    server = new ServerProcess({
      ...spec,
      prepare: async () => {
        await spec.prepare();
        writeFileSync(join(spec.dir, 'users.d', 'analysts.xml'), accessXml(config));
      },
    });
    await server.start();
    owner = await connectClickhouse(config);
    await migrate(owner, { layout: layoutOf(config) });
    const rows = Array.from({ length: 20 }, (_, index) => ({
      class: EventClass.reading,
      time: Date.UTC(2026, 10, 20) + index,
      device: 'pump',
      metric: 'flow',
      value: index,
      _src: 'test',
      _pos: index,
    }));
    await owner.insertNative('vedette_store.events', [eventsNative(rows)], { token: 'once' });
    analyst = await connectClickhouse({ ...config, username: 'ada', passwordFile: join(dir, 'analyst-password') });
  });
  afterAll(async () => {
    await Promise.all([owner.close(), analyst.close()]);
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('reads the views', async () => {
    expect(await analyst.query('SELECT count() AS n, max(value) AS most FROM vedette.events')).toEqual([
      { n: 20, most: 19 },
    ]);
    expect(await analyst.query('SELECT sum(n) AS n FROM vedette.device_1m')).toEqual([{ n: 20 }]);
  });

  it.each([
    'SELECT count() FROM vedette_store.events',
    'SELECT * FROM system.users',
    "INSERT INTO vedette_store.events (device) VALUES ('x')",
    'DROP VIEW vedette.events',
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    'SELECT 1 SETTINGS max_rows_to_read = 100000000',
    'SELECT 1 SETTINGS max_memory_usage = 0',
    "SELECT 1 SETTINGS result_overflow_mode = 'break'",
  ])('may not: %s', async (sql) => {
    await expect(analyst.query(sql)).rejects.toMatchObject({ code: 'OLAP_REFUSED' });
  });

  it('is ended by the limits of rows read and rows returned, and may lower them', async () => {
    await expect(analyst.query('SELECT uniq(number) FROM numbers(1000000)')).rejects.toThrow(/[Ll]imit for/);
    await expect(analyst.query('SELECT value FROM vedette.events')).rejects.toThrow(/max rows: 10/);
    const lowered = analyst.query('SELECT count() FROM vedette.events WHERE value >= 0 SETTINGS max_rows_to_read = 5');
    await expect(lowered).rejects.toThrow(/[Ll]imit for/);
  });

  it('is refused once the quota is used up, while others go on', async () => {
    // Queries without a table don't count.
    const queries = async () => {
      for (let query = 0; query < 60; query++) await analyst.query('SELECT count() FROM vedette.events');
    };
    await expect(queries()).rejects.toThrow(/[Qq]uota for user `ada`/);
    expect(await owner.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
