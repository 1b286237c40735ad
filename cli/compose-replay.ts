import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CassandraConfig } from '../config/cassandra.ts';
import type { HeaderStore } from '../ingest/header-store.ts';
import type { OlapEndpoint } from '../olap/client.ts';
import type { OlapTls } from '../olap/http-transport.ts';

/** What a replay reads, as its own process reaches it. */
export interface ReplayStore {
  readonly olap: { readonly endpoint: OlapEndpoint; readonly tls?: OlapTls; readonly databasePrefix?: string };
  /** The folder of an embedded instance's, or the servers of a cluster. */
  readonly headers: { readonly folder: string } | { readonly cassandra: CassandraConfig };
}

interface ReplayHeaders {
  readonly headers: Pick<HeaderStore, 'of'>;
  close(): Promise<void>;
}

/** The headers that the live installation has written, while it writes on. */
export async function openReplayHeaders(place: ReplayStore['headers']): Promise<ReplayHeaders> {
  return 'folder' in place ? headersOfFolder(place.folder) : headersOfCluster(place.cassandra);
}

async function headersOfFolder(dir: string): Promise<ReplayHeaders> {
  const nothing = { headers: { of: async () => [] }, close: async () => undefined };
  if (!existsSync(join(dir, 'data.mdb'))) return nothing;
  const { openHeaderReader } = await import('../ingest/lmdb/headers.ts');
  return openHeaderReader(dir);
}

async function headersOfCluster(config: CassandraConfig): Promise<ReplayHeaders> {
  const [{ connectCassandra }, { openCassandraHeaders }] = await Promise.all([
    import('../cassandra/connect.ts'),
    import('../ingest/cassandra/headers.ts'),
  ]);
  const session = await connectCassandra(config);
  return { headers: openCassandraHeaders(session, { retentionDays: 'forever' }), close: () => session.close() };
}
