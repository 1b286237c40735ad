import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIngestStores } from '../../../ingest/lmdb/index.ts';
import { describeDeadLetterStore } from '../dead-letter-store.contract.ts';
import { describeHeaderStore } from '../header-store.contract.ts';
import { describeSourceStateStore } from '../source-state-store.contract.ts';

type Stores = Awaited<ReturnType<typeof openIngestStores>>;

/** Both stores lie in one folder; closing one of them closes what holds it. */
async function createFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-letters-'));
  const open = async <Store extends { close(): Promise<void> }>(
    pick: (stores: Stores) => Store,
    options: Omit<Parameters<typeof openIngestStores>[0], 'dir'>,
  ): Promise<Store> => {
    const stores = await openIngestStores({ dir, ...options });
    const store = pick(stores);
    const close = store.close.bind(store);
    store.close = async () => {
      await close();
      await stores.close();
    };
    return store;
  };
  return { open, remove: () => rm(dir, { recursive: true }) };
}

describeDeadLetterStore('LMDB', async () => {
  const { open, remove } = await createFolder();
  return { open: (options) => open(({ deadLetters }) => deadLetters, options), remove };
});

describeSourceStateStore('LMDB', async () => {
  const { open, remove } = await createFolder();
  return { open: () => open(({ sourceStates }) => sourceStates, { maxLetterBytes: 1 << 20 }), remove };
});

describeHeaderStore('LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-headers-'));
  return {
    open: async () => {
      const { headers, close } = await openIngestStores({ dir, maxLetterBytes: 1 << 20 });
      return { put: (given) => headers.put(given), of: (source) => headers.of(source), close };
    },
    remove: () => rm(dir, { recursive: true }),
  };
});
