import { describe, expect, it } from 'vitest';
import { loadPulsarClient } from '../../../ingest/pulsar/native/client-module.ts';
import { openPulsarNative } from '../../../ingest/pulsar/native/index.ts';
import { describeRawLog } from '../raw-log.contract.ts';
import { pulsarAddress, pulsarNamespace } from './pulsar-fixture.ts';

const address = pulsarAddress("the raw log's contract over the binary protocol");
const serviceUrl = process.env['VEDETTE_PULSAR_SERVICE'] ?? '';
const isInstalled = await loadPulsarClient().then(
  () => true,
  () => false,
);

const OPTIONS = {
  adminUrl: address?.adminUrl ?? '',
  serviceUrl,
  tenant: 'public',
  mayCreate: true,
  handshakeMs: 5000,
  publishTimeoutMs: 20_000,
  maxMessageBytes: 750_000,
  windowBytes: 4 << 20,
  maxPendingBytes: 64 << 20,
  onNotice: () => undefined,
};

if (address && isInstalled)
  describeRawLog('Pulsar over the binary protocol', async () => {
    const namespace = pulsarNamespace(address);
    const common = { ...OPTIONS, namespace: namespace.namespace };
    const first = await openPulsarNative(common);
    const guest = await openPulsarNative({ ...common, mayCreate: false });
    const spare = await Promise.all([1, 2, 3].map(() => openPulsarNative(common)));
    return {
      connect: ({ mayCreate } = {}) => (mayCreate === false ? guest : (spare.pop() ?? first)),
      async remove() {
        await Promise.all([first, guest, ...spare].map((log) => log.close()));
        await namespace.remove();
      },
    };
  });

describe('pulsar-client', () => {
  it.skipIf(isInstalled)('is missed in words that say what to do', async () => {
    console.warn("the raw log's contract over the binary protocol is skipped: pulsar-client is not installed");
    await expect(openPulsarNative({ ...OPTIONS, namespace: 'x' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('pulsar.transport to websocket') as string,
    });
  });

  it.runIf(isInstalled)('is installed', () => {
    expect(isInstalled).toBe(true);
  });
});
