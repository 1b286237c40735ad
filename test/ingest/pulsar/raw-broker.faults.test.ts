import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServices, type Services } from '../../../services/start-services.ts';
import { READINGS, distinct, numbered, openRawSite, range } from '../raw-ingest-harness.ts';
import { pulsarAddress, pulsarNamespace, type PulsarAddress } from './pulsar-fixture.ts';

/** It starts a broker of its own, since it kills it; the environment's says whether there are any. */
const hasBrokers = pulsarAddress('raw logs and a broker that dies') !== undefined;
const MEMORY = { pulsar: 512 };

describe.skipIf(!hasBrokers)('raw logs and a broker that dies', () => {
  let services: Services;
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    services = await startServices({ only: ['pulsar'], memoryMb: MEMORY });
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => services.stop());

  it(
    'lose no line and store none twice, while the broker is killed twice between publishers and ingest',
    { timeout: 420_000 },
    async () => {
      const namespace = pulsarNamespace(addressOf(services), {
        publishTimeoutMs: 240_000,
        handshakeMs: 15_000,
        onNotice: (level, message) => console.log(level, message),
      });
      const site = await openRawSite();
      closers.push(() => site.close());
      const [writer, reader] = [namespace.connect(), namespace.connect()];
      closers.push(
        () => writer.close(),
        () => reader.close(),
      );
      await writer.open(READINGS);
      site.ingest(reader);
      let next = 0;
      const stopped = new AbortController();
      const acknowledged: number[] = [];
      const failures: unknown[] = [];
      const publishing = (async () => {
        const running: Promise<unknown>[] = [];
        while (!stopped.signal.aborted) {
          const first = next;
          next += 20;
          running.push(
            writer
              .publish(READINGS.name, (first / 20) % 2, {
                payload: numbered(first, 20, `p${(first / 20) % 2}`),
                properties: {},
              })
              .then(
                () => acknowledged.push(...range(first, first + 20)),
                (error: unknown) => failures.push(error),
              ),
          );
          await pause(25);
        }
        await Promise.all(running);
      })();
      await site.until(500);
      for (let round = 0; round < 2; round++) {
        await services.server('pulsar').kill();
        await pause(1000);
        await services.server('pulsar').start();
        // Some go through before the next one.
        const before = acknowledged.length;
        await expect.poll(() => acknowledged.length, { timeout: 120_000 }).toBeGreaterThan(before + 200);
      }
      stopped.abort();
      await publishing;
      expect(failures).toEqual([]);
      expect(acknowledged).toHaveLength(next);
      await site.until(next, 120_000);
      await pause(1000);
      const values = distinct(await site.rows()).map(({ value }) => value);
      // Once each: the broker drops what its clients send again, and stage 1 what the broker sends again.
      expect(values.sort((a, b) => a - b)).toEqual(range(0, next));
      console.log(
        `published ${next} lines; ${(await site.rows()).length - next} came again and were dropped by position`,
      );
    },
  );
});

function addressOf(services: Services): PulsarAddress {
  return { webSocketUrl: services.env['VEDETTE_PULSAR_WS']!, adminUrl: services.env['VEDETTE_PULSAR_ADMIN']! };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
