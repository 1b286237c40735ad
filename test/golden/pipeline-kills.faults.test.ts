import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VedetteError } from '../../model/errors.ts';
import { freePorts } from '../../services/free-ports.ts';
import type { Services } from '../../services/start-services.ts';
import { type FaultLoad, keyOf, type LoadMessage, makeFaultLoad } from './fault-load.ts';
import { expectSame, referenceOf } from './fault-result.ts';
import { FaultSite, hasServers, startFaultServers } from './fault-site.ts';
import { JobLoad } from './job-load.ts';
import type { FaultResult } from './results.ts';

const PACE_MS = 100;

/** From Pulsar to alerts, workers of every role die and come back: nothing lost, nothing double, equal state. */
describe.skipIf(!hasServers)('a pipeline whose workers are killed', () => {
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

  /** So many processes die at the point, each a bit later than the one before; then one lives. */
  const dying = (point: string, deaths: number) => (start: number) =>
    start < deaths ? { point, times: 2 + start } : undefined;
  const DEATHS = 3;

  it.each(['block_read', 'findings_written', 'offset_committed'])(
    'is the same when stream workers are killed at %s',
    async (point) => {
      const on = await open();
      const stream = on.keep(['stream'], dying(point, DEATHS));
      await Promise.all([on.keep(['ingest']), on.keep(['sink'])].map(({ ready }) => ready));
      const publisher = on.publish(load, { paceMs: PACE_MS });
      await expect.poll(() => stream.restarts, { timeout: 120_000 }).toBe(DEATHS);
      await publisher.hurry();
      expectSame(on, await on.finish(), reference, load);
    },
  );

  it.each(['intent_written', 'rows_sent', 'rows_acked'])('is the same when sinks are killed at %s', async (point) => {
    const on = await open();
    const sink = on.keep(['sink'], dying(point, DEATHS));
    await Promise.all([on.keep(['ingest']), on.keep(['stream'])].map(({ ready }) => ready));
    const publisher = on.publish(load, { paceMs: PACE_MS });
    await expect.poll(() => sink.restarts, { timeout: 120_000 }).toBe(DEATHS);
    await publisher.hurry();
    expectSame(on, await on.finish(), reference, load);
  });

  it('is the same when ingest is killed at random moments, and its messages come again', async () => {
    const on = await open();
    const { ingest } = await on.keepEach();
    const publisher = on.publish(load, { paceMs: PACE_MS });
    for (let kill = 0; kill < 4; kill++) {
      await on.flows();
      await sleep(Math.random() * 3000);
      await ingest.kill();
      await ingest.ready;
    }
    await publisher.hurry();
    expectSame(on, await on.finish(), reference, load);
    expect(ingest.restarts).toBe(4);
  });

  it('is the same when workers of all roles are killed at random moments', async () => {
    const on = await open();
    const workers = Object.values(await on.keepEach());
    const publisher = on.publish(load, { paceMs: PACE_MS });
    for (let kill = 0; kill < 6; kill++) {
      await sleep(1000 + Math.random() * 4000);
      await workers[kill % workers.length]!.kill();
    }
    await publisher.hurry();
    expectSame(on, await on.finish(), reference, load);
  });

  it('is the same when batch workers are killed, and every job that was taken is done', async () => {
    const on = await open();
    await on.keepEach();
    const batch = on.keep(['batch']);
    await batch.ready;
    const jobs = await JobLoad.start(on);
    try {
      const publisher = on.publish(load, { paceMs: PACE_MS });
      for (let kill = 0; kill < 3; kill++) {
        await sleep(1000 + Math.random() * 3000);
        await batch.kill();
        await batch.ready;
      }
      await publisher.hurry();
      const done = await jobs.finish(60_000);
      expect(done.length).toBeGreaterThan(5);
      expect(done.filter(({ state }) => state !== 'completed')).toEqual([]);
      expectSame(on, await on.finish(), reference, load);
    } finally {
      await jobs.close();
    }
  });

  it('is the same when messages are published again with their source and position, and ingest is killed', async () => {
    const on = await open();
    const { ingest } = await on.keepEach();
    const publisher = on.publish(load, { paceMs: PACE_MS, againEvery: 3 });
    await on.flows();
    await ingest.kill();
    await publisher.hurry();
    expectSame(on, await on.finish(), reference, load);
  });

  it('counts once what is published again under its idempotency key', async () => {
    const on = await open();
    await on.keepEach();
    await on.publish(load, { paceMs: 0, knownBy: 'idempotency-key', againEvery: 2 }).done;
    expectSame(on, withoutPlaces(await on.finish()), withoutPlaces(reference), load);
  });

  it('counts once what is sent over HTTP under a key, while the console is killed between', async () => {
    const [httpPort] = await freePorts(1);
    site = await FaultSite.open({ httpPort: httpPort! });
    await site.keepEach();
    const door = site.keep(['console']);
    await door.ready;
    const publisher = site.publish(load, { paceMs: PACE_MS, send: (message) => post(httpPort!, message) });
    for (let kill = 0; kill < 3; kill++) {
      await sleep(500 + Math.random() * 2000);
      await door.kill();
      await door.ready;
      await site.flows();
    }
    await publisher.hurry();
    expect(publisher.failures).toBeGreaterThan(0);
    expectSame(site, withoutPlaces(await site.finish()), withoutPlaces(reference), load);
  });

  it('is the same with four raw partitions and two ingest workers that are killed in turn', async () => {
    const several = { rawPartitions: 4 };
    const expected = await referenceOf(load, several);
    site = await FaultSite.open(several);
    const workers = [(await site.keepEach()).ingest, site.keep(['ingest'])];
    await workers[1]!.ready;
    const publisher = site.publish(load, { paceMs: PACE_MS });
    for (let kill = 0; kill < 4; kill++) {
      await site.flows();
      await sleep(Math.random() * 2000);
      await workers[kill % 2]!.kill();
      await workers[kill % 2]!.ready;
    }
    await publisher.hurry();
    expectSame(site, await site.finish(), expected, load);
  });
});

/** Rows under a key have other source ids and positions; all else of them is in the statistics. */
function withoutPlaces(result: FaultResult): FaultResult {
  const { events, ...others } = result.rows;
  return { ...result, rows: { ...others, events: { ...events!, sum: '' } } };
}

/** A message as one request, known by its key. */
async function post(port: number, message: LoadMessage): Promise<void> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': keyOf(message) },
    body: message.payload,
  };
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/ingest`, request).catch((cause: unknown) => {
    throw new VedetteError('RAW_LOG_UNAVAILABLE', 'the console is away', { cause });
  });
  const text = await response.text();
  if (response.status === 503) throw new VedetteError('RAW_LOG_UNAVAILABLE', text);
  if (!response.ok) throw new Error(`${response.status} ${text}`);
}
