import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildServer } from '../../olap/child-server.ts';
import { OlapClient } from '../../olap/client.ts';
import { migrate } from '../../olap/migrate.ts';
import { type ColumnSpec, EVENT_COLUMNS, type EventColumnName } from '../../model/event-columns.ts';
import { encodeNative, mappedAddress } from './native-fixture.ts';

/** A real store that nobody else uses. */
export interface TestStore {
  readonly client: OlapClient;
  /** The server, or what leads to it, is gone in the middle of everything, and back by itself after a moment. */
  interrupt(): void;
  close(): Promise<void>;
}

/** The embedded server in a temporary folder. */
export async function openStore(options: { migrated: boolean }): Promise<TestStore & { readonly server: ChildServer }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vedette-olap-'));
  const server = new ChildServer({ dataDir, backoffMs: { first: 50, max: 400 } });
  await server.start();
  const client = new OlapClient({ endpoint: () => server.endpoint });
  if (options.migrated) await migrate(client);
  return {
    server,
    client,
    interrupt: () => process.kill(server.pid ?? 0, 'SIGKILL'),
    close: async () => {
      await client.close();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Values of an event; what is left out has its column's default. Addresses as IPv4 text, enums as numbers. */
export type TestEvent = Partial<Record<EventColumnName, number | string>>;

/** One Native block of the columns that any of the events names. */
export function eventsNative(events: readonly TestEvent[]): Uint8Array {
  const used = EVENT_COLUMNS.filter(({ name }) => events.some((event) => event[name] !== undefined));
  return encodeNative(used.map((spec) => ({ spec, values: events.map((event) => columnValue(spec, event)) })));
}

function columnValue(spec: ColumnSpec & { name: EventColumnName }, event: TestEvent): number | string | Uint8Array {
  const value = event[spec.name];
  if (spec.kind === 'ip') return value === undefined ? new Uint8Array(16) : mappedAddress(String(value));
  return value ?? (spec.kind === 'string' || spec.kind === 'dict' ? '' : 0);
}
