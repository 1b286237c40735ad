import { randomUUID } from 'node:crypto';
import { openPulsarWebSocket } from '../../../ingest/pulsar/websocket/index.ts';
import type { PulsarLogOptions } from '../../../ingest/pulsar/pulsar-log-options.ts';
import type { RawLog } from '../../../ingest/raw-log.ts';

export interface PulsarAddress {
  readonly webSocketUrl: string;
  readonly adminUrl: string;
}

/** The broker that the environment names. Without one the suite is passed over, but not where CI expects it. */
export function pulsarAddress(suite: string): PulsarAddress | undefined {
  const { VEDETTE_PULSAR_WS: webSocketUrl, VEDETTE_PULSAR_ADMIN: adminUrl, CI } = process.env;
  if (webSocketUrl !== undefined && adminUrl !== undefined) return { webSocketUrl, adminUrl };
  if (CI === 'true') throw new Error(`${suite}: VEDETTE_PULSAR_WS and VEDETTE_PULSAR_ADMIN must be set in CI`);
  console.warn(`${suite} is skipped: VEDETTE_PULSAR_WS and VEDETTE_PULSAR_ADMIN are not set`);
  return undefined;
}

/** A namespace of its own on a broker, and clients of it. */
export function pulsarNamespace(address: PulsarAddress, common: Partial<PulsarLogOptions> = {}) {
  const namespace = `test-${randomUUID()}`;
  const tenant = 'public';
  const authorization: Record<string, string> = common.token ? { authorization: `Bearer ${common.token() ?? ''}` } : {};
  return {
    namespace,
    tenant,
    connect(options: Partial<PulsarLogOptions> = {}): RawLog {
      return openPulsarWebSocket({
        ...address,
        tenant,
        namespace,
        mayCreate: true,
        handshakeMs: 5000,
        publishTimeoutMs: 20_000,
        maxMessageBytes: 750_000,
        windowBytes: 4 << 20,
        maxPendingBytes: 64 << 20,
        onNotice: () => undefined,
        ...common,
        ...options,
      });
    },
    async remove(): Promise<void> {
      const path = `${address.adminUrl}/admin/v2/namespaces/${tenant}/${namespace}?force=true`;
      await fetch(path, { method: 'DELETE', headers: authorization });
    },
  };
}
