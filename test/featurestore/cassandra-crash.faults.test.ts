import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectCassandra } from '../../cassandra/connect.ts';
import { cassandraSchema } from '../../config/cassandra.ts';
import { openCassandraCheckpoints } from '../../featurestore/cassandra/index.ts';
import { missingRequirements } from '../../services/requirements.ts';
import { type Services, startServices } from '../../services/start-services.ts';

const missing = missingRequirements(['cassandra']);
const isSkipped = missing.length > 0 && process.env['CI'] !== 'true';
if (isSkipped) console.warn('skipped: this machine cannot start Cassandra');

const PAGES = 400;

describe.skipIf(isSkipped)('checkpoints in a Cassandra that is killed', () => {
  let services: Services;
  beforeAll(async () => {
    services = await startServices({ only: ['cassandra'], memoryMb: { cassandra: 512 } });
  });
  afterAll(() => services.stop());

  it('are those committed before, whole, after kill -9 in the midst of one, and go on from there', async () => {
    const server = services.server('cassandra');
    const config = cassandraSchema.parse({
      contactPoints: [services.env['VEDETTE_CASSANDRA']],
      keyspace: `vt_${randomBytes(6).toString('hex')}`,
      patienceMs: 2000,
    });
    const session = await connectCassandra(config);
    const store = openCassandraCheckpoints(session);
    // A worker that is as far as `version`: each page changes every time, and doesn't compress.
    const page = (version: number, i: number) =>
      Buffer.alloc(65_536, randomBytes(4096).fill(version * PAGES + i, 0, 8));
    let stored: Buffer[] = [];
    const write = async (version: number, half?: () => Promise<void>): Promise<void> => {
      const pages = Array.from({ length: PAGES }, (_, i) => page(version, i));
      const writer = await store.begin('stage1-0');
      try {
        for (const [i, bytes] of pages.entries()) {
          await writer.write(`table ${i} hosts`, bytes);
          if (i === PAGES / 2) await half?.();
        }
        await writer.commit({ version });
      } catch (error) {
        await writer.abort().catch(() => undefined);
        throw error;
      }
      stored = pages;
    };

    expect(await store.load('stage1-0')).toBeUndefined();
    for (let version = 1; version <= 3; version++) {
      await write(version);
      await expect(write(version + 100, () => server.kill())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await server.start();
      // Another worker, as after a restart.
      const other = await connectCassandra({ ...config, patienceMs: 20_000 });
      const found = await openCassandraCheckpoints(other).load('stage1-0');
      expect(found!.meta).toEqual({ version });
      let i = 0;
      for await (const { bytes } of found!.parts) expect(Buffer.compare(bytes, stored[i++]!)).toBe(0);
      expect(i).toBe(PAGES);
      await other.close();
      // This one was taken over from, and takes it back.
      await expect.poll(() => store.load('stage1-0').then((one) => one?.meta, () => 'away'), { timeout: 30_000 })
        .toEqual({ version }); // prettier-ignore
    }
    await session.close();
  });
});
