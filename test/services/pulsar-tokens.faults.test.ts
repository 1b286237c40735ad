import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { missingRequirements } from '../../services/requirements.ts';
import { type Services, startServices } from '../../services/start-services.ts';

const skip = missingRequirements(['pulsar']).length > 0 && process.env['CI'] !== 'true';
if (skip) console.warn('skipped: Pulsar can not be started here');

describe.skipIf(skip)('a Pulsar that asks for tokens', () => {
  let services: Services;
  beforeAll(async () => {
    services = await startServices({ only: ['pulsar'], pulsarAuthentication: 'tokens' });
  });
  afterAll(() => services.stop());

  /** What the producer's handshake is answered with: 101, or the refusal. */
  function handshake(token: string | undefined): Promise<number> {
    const url = `${services.env['VEDETTE_PULSAR_WS'] ?? ''}/ws/v2/producer/persistent/public/default/guarded`;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { headers });
      socket.once('open', () => {
        socket.close();
        resolve(101);
      });
      socket.once('unexpected-response', (_request, response) => {
        socket.terminate();
        resolve(response.statusCode ?? 0);
      });
      socket.once('error', reject);
    });
  }

  it('lets the administrator in', async () => {
    expect(await handshake(services.env['VEDETTE_PULSAR_TOKEN'])).toBe(101);
  });

  it('asks who comes without one who they are, and forbids who has no grant', async () => {
    expect(await handshake(undefined)).toBe(401);
    expect(await handshake(`${services.pulsarToken('shipper')}x`)).toBe(401);
    expect([401, 403]).toContain(await handshake(services.pulsarToken('shipper')));
  });
});
