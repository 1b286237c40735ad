import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RawLog } from '../../../ingest/raw-log.ts';
import { startServices, type Services } from '../../../services/start-services.ts';
import { READINGS, distinct, numbered, openRawSite, range } from '../raw-ingest-harness.ts';
import { pulsarAddress, pulsarNamespace, type PulsarAddress } from './pulsar-fixture.ts';

/** These start brokers of their own, since they kill them; the environment's says whether there are any. */
const hasBrokers = pulsarAddress('raw logs and a broker that dies or refuses') !== undefined;
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
    { timeout: 180_000 },
    async () => {
      const namespace = pulsarNamespace(addressOf(services), { publishTimeoutMs: 120_000 });
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
              .then(() => acknowledged.push(...range(first, first + 20))),
          );
          await pause(5);
        }
        await Promise.all(running);
      })();
      await site.until(500);
      for (let round = 0; round < 2; round++) {
        await services.server('pulsar').kill();
        await pause(1000);
        await services.server('pulsar').start();
        await pause(3000);
      }
      stopped.abort();
      await publishing;
      expect(acknowledged).toHaveLength(next);
      await site.until(next, 60_000);
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

describe.skipIf(!hasBrokers)('raw logs and a broker that asks for tokens', () => {
  let services: Services;
  const opened: RawLog[] = [];

  beforeAll(async () => {
    services = await startServices({ only: ['pulsar'], memoryMb: MEMORY, pulsarAuthentication: 'tokens' });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((log) => log.close()));
  });
  afterAll(() => services.stop());

  it('work with a right token', async () => {
    const namespace = pulsarNamespace(addressOf(services), { token: () => services.pulsarToken('admin') });
    const log = namespace.connect();
    const site = await openRawSite();
    opened.push(log);
    await log.open(READINGS);
    await log.publish(READINGS.name, 0, { payload: numbered(0, 3), properties: {} });
    site.ingest(log);
    await site.until(3);
    await site.close();
  });

  it.each([
    ['none', undefined],
    ['a forged one', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.AAAA'],
  ])('refuse once and clearly with %s', async (_name, token) => {
    const admin = pulsarNamespace(addressOf(services), { token: () => services.pulsarToken('admin') });
    const owner = admin.connect();
    opened.push(owner);
    await owner.open(READINGS);
    let asked = 0;
    // The topic is known; then the token turns bad.
    const log = admin.connect({
      token: () => {
        asked++;
        return asked <= 2 ? services.pulsarToken('admin') : (token ?? '');
      },
    });
    opened.push(log);
    await log.open(READINGS);
    asked = 10;
    const site = await openRawSite();
    const { run } = site.ingest(log);
    const refused = { code: 'UNAUTHORIZED', retry: false };
    await expect(run).rejects.toMatchObject(refused);
    await expect(log.publish(READINGS.name, 0, { payload: numbered(0, 1), properties: {} })).rejects.toMatchObject(
      refused,
    );
    const attempts = asked;
    await pause(1500);
    expect(asked).toBe(attempts);
    await site.close();
  });

  it('refuse a role without a grant', async () => {
    const admin = pulsarNamespace(addressOf(services), { token: () => services.pulsarToken('admin') });
    const owner = admin.connect();
    opened.push(owner);
    await owner.open(READINGS);
    const guest = admin.connect({ token: () => services.pulsarToken('guest') });
    opened.push(guest);
    await expect(guest.open(READINGS)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

function addressOf(services: Services): PulsarAddress {
  return { webSocketUrl: services.env['VEDETTE_PULSAR_WS']!, adminUrl: services.env['VEDETTE_PULSAR_ADMIN']! };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
