import { open, type Database, type RootDatabase } from 'lmdb';
import { VedetteError } from '../../model/errors.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterStore } from '../dead-letter.ts';
import type { HeaderStore } from '../header-store.ts';
import type { SourceStateStore } from '../source-state.ts';
import { LmdbHeaders } from './headers.ts';

type Stored = Omit<DeadLetter, 'id' | 'bytes'> & { bytes: Uint8Array };

/** Ingest's own small stores in one LMDB folder: dead letters, headers, and where sources are read on. */
export async function openIngestStores(options: {
  dir: string;
  maxLetterBytes: number;
  onDropped?: (letters: number) => void;
  onHeadersDropped?: (headers: number) => void;
}): Promise<{
  deadLetters: DeadLetterStore;
  sourceStates: SourceStateStore;
  headers: HeaderStore;
  close(): Promise<void>;
}> {
  const root = open({ path: options.dir, maxDbs: 8, compression: true });
  const deadLetters = new LmdbDeadLetters(root, options);
  const sourceStates = new LmdbSourceStates(root);
  const headers = new LmdbHeaders(root, { onDropped: (count) => options.onHeadersDropped?.(count) });
  return { deadLetters, sourceStates, headers, close: () => root.close() };
}

class LmdbSourceStates implements SourceStateStore {
  private readonly states: Database<string, string>;

  constructor(root: RootDatabase) {
    this.states = root.openDB<string, string>({ name: 'source-states' });
  }

  async load(name: string): Promise<string | undefined> {
    return this.states.get(name);
  }

  async save(entries: readonly { readonly name: string; readonly state: string }[]): Promise<void> {
    this.states.transactionSync(() => {
      for (const { name, state } of entries) void this.states.put(name, state);
    });
    await this.states.flushed;
  }

  async close(): Promise<void> {
    await this.states.flushed;
  }
}

/** What a letter takes beside its bytes, about: many short ones fill a disk too. */
const LETTER_OVERHEAD = 256;

class LmdbDeadLetters implements DeadLetterStore {
  private readonly letters: Database<Stored, number>;
  /** Id by source and position, so that a record read twice is one letter. */
  private readonly byPosition: Database<number, [string, number]>;
  private readonly maxBytes: number;
  private readonly onDropped: ((letters: number) => void) | undefined;
  private keptBytes = 0;
  private nextId = 1;
  private readonly byReason: Record<string, number> = {};

  constructor(root: RootDatabase, options: { maxLetterBytes: number; onDropped?: (letters: number) => void }) {
    this.letters = root.openDB<Stored, number>({ name: 'dead-letters' });
    this.byPosition = root.openDB<number, [string, number]>({ name: 'dead-letters-by-position' });
    this.maxBytes = options.maxLetterBytes;
    this.onDropped = options.onDropped;
    for (const { key, value } of this.letters.getRange({})) {
      this.nextId = key + 1;
      this.count(value, 1);
    }
  }

  async put(letters: readonly Omit<DeadLetter, 'id'>[]): Promise<void> {
    this.letters.transactionSync(() => {
      for (const letter of letters) {
        const place: [string, number] = [letter.source.slice(0, 512), letter.position];
        const known = this.byPosition.get(place);
        const before = known === undefined ? undefined : this.letters.get(known);
        if (before) this.count(before, -1);
        const id = before && known !== undefined ? known : this.nextId++;
        void this.letters.put(id, { ...letter });
        void this.byPosition.put(place, id);
        this.count(letter, 1);
      }
      this.dropOldest();
    });
    await this.letters.flushed;
  }

  async get(id: number): Promise<DeadLetter | undefined> {
    const letter = this.letters.get(id);
    return letter && { ...letter, id };
  }

  async list(
    filter: DeadLetterFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ letters: DeadLetter[]; next?: string }> {
    const before = page.cursor === undefined ? undefined : Number(page.cursor);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new VedetteError('BAD_REQUEST', 'cursor: not one that this server gave');
    const found: DeadLetter[] = [];
    const range = before === undefined ? { reverse: true } : { reverse: true, start: before - 1 };
    for (const { key, value } of this.letters.getRange(range)) {
      if (filter.reason !== undefined && value.reason !== filter.reason) continue;
      if (filter.source !== undefined && value.source !== filter.source) continue;
      if (filter.format !== undefined && value.format !== filter.format) continue;
      if (filter.pending === true && value.replayedMs !== undefined) continue;
      if (found.length === page.limit) return { letters: found, next: String(found.at(-1)!.id) };
      found.push({ ...value, id: key });
    }
    return { letters: found };
  }

  async counts(): Promise<Record<string, number>> {
    return { ...this.byReason };
  }

  async markReplayed(ids: readonly number[], atMs: number): Promise<void> {
    this.letters.transactionSync(() => {
      for (const id of ids) {
        const letter = this.letters.get(id);
        if (letter) void this.letters.put(id, { ...letter, replayedMs: atMs });
      }
    });
    await this.letters.flushed;
  }

  async close(): Promise<void> {
    await this.letters.flushed;
  }

  private count(letter: { reason: string; bytes: Uint8Array }, sign: 1 | -1): void {
    this.keptBytes += sign * (letter.bytes.length + LETTER_OVERHEAD);
    const left = (this.byReason[letter.reason] ?? 0) + sign;
    if (left > 0) this.byReason[letter.reason] = left;
    else Reflect.deleteProperty(this.byReason, letter.reason);
  }

  private dropOldest(): void {
    if (this.keptBytes <= this.maxBytes) return;
    let dropped = 0;
    for (const { key, value } of this.letters.getRange({})) {
      if (this.keptBytes <= this.maxBytes) break;
      void this.letters.remove(key);
      void this.byPosition.remove([value.source.slice(0, 512), value.position]);
      this.count(value, -1);
      dropped++;
    }
    this.onDropped?.(dropped);
  }
}
