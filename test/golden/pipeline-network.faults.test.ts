import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultProxy } from '../../services/fault-proxy.ts';
import { SERVER_KINDS } from '../../services/server-spec.ts';
import type { Services } from '../../services/start-services.ts';
import { type FaultLoad, makeFaultLoad } from './fault-load.ts';
import { expectSame, referenceOf } from './fault-result.ts';
import { FaultSite, hasServers, startFaultServers } from './fault-site.ts';
import { JobLoad } from './job-load.ts';
import type { FaultResult } from './results.ts';

const PACE_MS = 150;
const DELAY_MS = 100;
const REFUSED_MS = 4000;
/** Longer than a worker's session in its group, and than a request of Kafka's may take. */
const SILENT_MS = 12_000;

const FAULTS: Readonly<Record<string, (proxy: FaultProxy) => Promise<void>>> = {
  'slow for a while': async (proxy) => {
    proxy.delay(DELAY_MS);
    await sleep(5000);
  },
  'reset in the midst of an answer': (proxy) => proxy.reset('server'),
  'reset in the midst of a request': (proxy) => proxy.reset('client'),
  refused: async (proxy) => {
    proxy.cut('refused');
    await sleep(REFUSED_MS);
  },
  silent: async (proxy) => {
    proxy.cut('silent');
    await sleep(SILENT_MS);
  },
};

/** From Pulsar to alerts over a bad network, between all processes and each server in turn. */
describe.skipIf(!hasServers)('a pipeline on a bad network', () => {
  let services: Services | undefined;
  let load: FaultLoad;
  let reference: FaultResult;
  let site: FaultSite | undefined;

  beforeAll(async () => {
    services = await startFaultServers({ proxied: SERVER_KINDS });
    load = makeFaultLoad({ flows: 50_000 });
    reference = await referenceOf(load);
  });
  afterEach(async () => {
    for (const kind of SERVER_KINDS) services?.proxy(kind).restore();
    await site?.close();
    site = undefined;
  });
  afterAll(() => services?.stop());

  it.each(['pulsar', 'kafka', 'clickhouse', 'cassandra'])(
    'is the same when connections to %s are slow, reset, refused and silent, one after another',
    async (name) => {
      site = await FaultSite.open();
      await site.keepEach();
      const publisher = site.publish(load, { paceMs: PACE_MS });
      await site.flows();
      const recoveredMs: Record<string, number> = {};
      for (const [fault, act] of Object.entries(FAULTS)) {
        const proxy = services!.proxy(name);
        await act(proxy);
        proxy.restore();
        recoveredMs[fault] = await site.flows({ rows: 500 });
      }
      await publisher.hurry();
      const result = await site.finish();
      console.info(`${name}: ${JSON.stringify({ recoveredMs, published: { failures: publisher.failures } })}`);
      expectSame(site, result, reference, load);
    },
  );

  it('is the same when connections to redis are, and every job that was taken is done', async () => {
    site = await FaultSite.open();
    await site.keepEach();
    await site.keep(['batch']).ready;
    const jobs = await JobLoad.start(site);
    try {
      const publisher = site.publish(load, { paceMs: PACE_MS });
      await site.flows();
      const proxy = services!.proxy('redis');
      for (const act of Object.values(FAULTS)) {
        await act(proxy);
        proxy.restore();
        await sleep(1000);
      }
      await publisher.hurry();
      const done = await jobs.finish(60_000);
      expect(done.length).toBeGreaterThan(5);
      expect(done.filter(({ state }) => state !== 'completed')).toEqual([]);
      expectSame(site, await site.finish(), reference, load);
    } finally {
      await jobs.close();
    }
  });
});
