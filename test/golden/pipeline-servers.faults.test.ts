import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Services } from '../../services/start-services.ts';
import { type FaultLoad, makeFaultLoad } from './fault-load.ts';
import { expectSame, referenceOf } from './fault-result.ts';
import { FaultSite, hasServers, startFaultServers } from './fault-site.ts';
import { JobLoad } from './job-load.ts';
import type { FaultResult } from './results.ts';

const PACE_MS = 100;
const DOWN_MS = 3000;

/** From Pulsar to alerts, each server goes and comes back: no worker ends, and what waited goes on by itself. */
describe.skipIf(!hasServers)('a pipeline whose servers go and come back', () => {
  let services: Services | undefined;
  let load: FaultLoad;
  let reference: FaultResult;
  let site: FaultSite | undefined;

  beforeAll(async () => {
    services = await startFaultServers();
    load = makeFaultLoad({ flows: 40_000 });
    reference = await referenceOf(load);
  });
  afterEach(async () => {
    await site?.close();
    site = undefined;
  });
  afterAll(() => services?.stop());

  async function open(): Promise<FaultSite> {
    site = await FaultSite.open();
    return site;
  }

  async function goAndComeBack(name: string, how: 'stop' | 'kill'): Promise<void> {
    const server = services!.server(name);
    await server[how]();
    await sleep(DOWN_MS);
    await server.start();
  }

  it.each(['pulsar', 'kafka', 'clickhouse', 'cassandra'])(
    'is the same when %s is stopped, and killed, and each time started again',
    async (name) => {
      const on = await open();
      await on.keepEach();
      const publisher = on.publish(load, { paceMs: PACE_MS });
      await on.flows();
      const recoveredMs: Record<string, number> = {};
      for (const how of ['stop', 'kill'] as const) {
        await goAndComeBack(name, how);
        recoveredMs[how] = await on.flows({ rows: 1000 });
      }
      await publisher.hurry();
      const result = await on.finish();
      console.info(`${name}: ${JSON.stringify({ recoveredMs, published: { failures: publisher.failures } })}`);
      expectSame(on, result, reference, load);
    },
  );

  it('is the same when redis is stopped, and killed, and every job that was taken is done', async () => {
    const on = await open();
    await on.keepEach();
    await on.keep(['batch']).ready;
    const jobs = await JobLoad.start(on);
    try {
      const publisher = on.publish(load, { paceMs: PACE_MS });
      await on.flows();
      for (const how of ['stop', 'kill'] as const) {
        await goAndComeBack('redis', how);
        await sleep(DOWN_MS);
      }
      await publisher.hurry();
      const done = await jobs.finish(60_000);
      expect(done.length).toBeGreaterThan(5);
      expect(done.filter(({ state }) => state !== 'completed')).toEqual([]);
      expect(jobs.failures).toBeGreaterThan(0);
      expectSame(on, await on.finish(), reference, load);
    } finally {
      await jobs.close();
    }
  });

  it('is the same when all servers are killed at once', async () => {
    const on = await open();
    await on.keepEach();
    const publisher = on.publish(load, { paceMs: PACE_MS });
    await on.flows();
    const { servers } = services!;
    await Promise.all(servers.map((server) => server.kill()));
    await sleep(DOWN_MS);
    await Promise.all(servers.map((server) => server.start()));
    await on.flows({ rows: 1000 });
    await publisher.hurry();
    expectSame(on, await on.finish(), reference, load);
  });
});
