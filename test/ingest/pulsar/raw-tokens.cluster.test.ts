import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RawLog } from '../../../ingest/raw-log.ts';
import { startServices, type Services } from '../../../services/start-services.ts';
import { READINGS, numbered, openRawSite } from '../raw-ingest-harness.ts';
import { pulsarAddress, pulsarNamespace, type PulsarAddress } from './pulsar-fixture.ts';

/** It starts a broker of its own, that asks for tokens; the environment's says whether there are any. */
const hasBrokers = pulsarAddress('raw logs and a broker that asks for tokens') !== undefined;
const MEMORY = { pulsar: 512 };

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
