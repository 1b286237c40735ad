import { open, type Database, type RootDatabase } from 'lmdb';
import type { HeaderStore, StoredHeader } from '../header-store.ts';

/** About a kilobyte each. */
const MAX_HEADERS = 50_000;
const MAX_SOURCE = 512;

type Key = [source: string, position: number];
interface Stored {
  readonly format: string;
  readonly state: string;
  readonly number: number;
}

/** Headers beside the other small stores of ingest. */
export class LmdbHeaders implements HeaderStore {
  private readonly headers: Database<Stored, Key>;
  /** Key by order of arrival: which go first. */
  private readonly byNumber: Database<Key, number>;
  private readonly onDropped: (headers: number) => void;
  private readonly maxHeaders: number;
  private next = 1;
  private count = 0;

  constructor(root: RootDatabase, options: { onDropped: (headers: number) => void; maxHeaders?: number }) {
    this.headers = root.openDB<Stored, Key>({ name: 'headers' });
    this.byNumber = root.openDB<Key, number>({ name: 'headers-by-number' });
    this.onDropped = options.onDropped;
    this.maxHeaders = options.maxHeaders ?? MAX_HEADERS;
    for (const number of this.byNumber.getKeys({ reverse: true, limit: 1 })) this.next = number + 1;
    this.count = this.byNumber.getKeysCount();
  }

  async put(headers: readonly StoredHeader[]): Promise<void> {
    this.headers.transactionSync(() => {
      for (const { source, position, format, state } of headers) {
        const key: Key = [source.slice(0, MAX_SOURCE), position];
        const known = this.headers.get(key);
        const number = known?.number ?? this.next++;
        void this.headers.put(key, { format, state, number });
        if (known) continue;
        void this.byNumber.put(number, key);
        this.count++;
      }
      this.dropOldest();
    });
    await this.headers.flushed;
  }

  async of(source: string): Promise<StoredHeader[]> {
    const name = source.slice(0, MAX_SOURCE);
    const range = this.headers.getRange({ start: [name, 0], end: [name, Number.MAX_SAFE_INTEGER] });
    return [...range].map(({ key, value: { format, state } }) => ({ source, position: key[1], format, state }));
  }

  private dropOldest(): void {
    const excess = this.count - this.maxHeaders;
    if (excess <= 0) return;
    for (const { key: number, value: key } of [...this.byNumber.getRange({ limit: excess })]) {
      void this.headers.remove(key);
      void this.byNumber.remove(number);
      this.count--;
    }
    this.onDropped(excess);
  }
}

/** The headers of a folder that another process has open, to read only. */
export function openHeaderReader(dir: string): { readonly headers: Pick<HeaderStore, 'of'>; close(): Promise<void> } {
  const root = open({ path: dir, maxDbs: 8, compression: true, readOnly: true });
  const headers = new LmdbHeaders(root, { onDropped: () => undefined });
  return { headers, close: () => root.close() };
}
