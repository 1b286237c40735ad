import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HeaderStore } from '../ingest/header-store.ts';

/** The headers that an embedded instance has written, while it writes on. */
export async function openReplayHeaders(
  dir: string,
): Promise<{ readonly headers: Pick<HeaderStore, 'of'>; close(): Promise<void> }> {
  const nothing = { headers: { of: async () => [] }, close: async () => undefined };
  if (!existsSync(join(dir, 'data.mdb'))) return nothing;
  const { openHeaderReader } = await import('../ingest/lmdb/headers.ts');
  return openHeaderReader(dir);
}
