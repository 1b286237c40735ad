import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { VedetteError } from '../../model/errors.ts';
import type { Alert, AlertFilter, AlertStore, Episode, Severity, Triage } from '../alert.ts';
import {
  indexEntry,
  type IndexEntry,
  type IndexKey,
  indexKey,
  matches,
  readCursor,
  writeCursor,
} from '../alert-index.ts';
import { severityRank, SEVERITIES } from '../severity.ts';

const MOST_A_PAGE = 1000;
const NEW_TRIAGE: Triage = { version: 1, status: 'new', verdict: 'unknown', comments: [] };

interface Counts {
  open: number;
  total: number;
  bySeverity: Record<Severity, number>;
}

/**
 * Alert state in LMDB: one file, `alerts.mdb`, in `dir`, which is made if it is missing. Writes are resolved once they
 * are on the disk. One process writes at a time; others may read.
 */
export function openLmdbAlertStore(options: { readonly dir: string }): AlertStore {
  mkdirSync(options.dir, { recursive: true });
  return new LmdbAlertStore(
    // Not overlapping: a write is resolved when it is on the disk, not when it is visible.
    open({ path: join(options.dir, 'alerts.mdb'), noSubdir: true, encoding: 'json', overlappingSync: false }),
  );
}

class LmdbAlertStore implements AlertStore {
  readonly #root: RootDatabase<unknown, string>;
  /** By uid. */
  readonly #alerts: Database<Alert, string>;
  /** By last pane descending, then uid; its entries hold what filters look at, so that a listing decodes only its page. */
  readonly #index: Database<IndexEntry, IndexKey>;
  readonly #counts: Database<Counts, string>;
  /** Writes follow one another: each is a decision on what the one before left. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(root: RootDatabase<unknown, string>) {
    this.#root = root;
    this.#alerts = root.openDB({ name: 'alerts', encoding: 'json' });
    this.#index = root.openDB({ name: 'by-time', encoding: 'json' });
    this.#counts = root.openDB({ name: 'counts', encoding: 'json' });
  }

  putEpisodes(episodes: readonly Episode[]): Promise<Episode[]> {
    return this.#write(async () => {
      const changed = new Map<string, { before: Alert | undefined; after: Alert }>();
      for (const episode of episodes) {
        const before = this.#alerts.get(episode.uid);
        const current = changed.get(episode.uid)?.after ?? before;
        if (current && current.episode.revision >= episode.revision) continue;
        changed.set(episode.uid, { before, after: { episode, triage: current?.triage ?? NEW_TRIAGE } });
      }
      await this.#store([...changed.values()]);
      return [...changed.values()].map(({ after }) => after.episode);
    });
  }

  async get(uid: string): Promise<Alert | undefined> {
    // LMDB refuses keys of more than 1,978 bytes; no uid is as long.
    return uid.length > 200 ? undefined : this.#alerts.get(uid);
  }

  async list(
    filter: AlertFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ alerts: Alert[]; next?: string }> {
    if (!Number.isInteger(page.limit) || page.limit < 1) {
      throw new VedetteError('BAD_REQUEST', `limit must be a positive integer, not ${page.limit}`);
    }
    const limit = Math.min(page.limit, MOST_A_PAGE);
    const start = page.cursor === undefined ? undefined : readCursor(page.cursor);
    const end = filter.sinceMs === undefined ? undefined : ([-filter.sinceMs, '\uffff'] as const);
    const alerts: Alert[] = [];
    let last: IndexKey | undefined;
    const range = this.#index.getRange({
      ...(start ? { start: [...start], exclusiveStart: true } : {}),
      ...(end ? { end: [...end] } : {}),
    });
    for (const { key, value } of range) {
      if (!matches(value, filter)) continue;
      if (alerts.length === limit) return { alerts, next: writeCursor(last!) };
      const alert = this.#alerts.get(key[1]);
      if (alert) alerts.push(alert);
      last = key;
    }
    return { alerts };
  }

  async counts(): Promise<Counts> {
    return this.#readCounts();
  }

  triage(uid: string, version: number | undefined, change: (triage: Triage) => Triage): Promise<Alert> {
    return this.#write(async () => {
      const before = await this.get(uid);
      if (!before) throw new VedetteError('NOT_FOUND', `no alert ${JSON.stringify(uid.slice(0, 200))}`);
      const stored = before.triage.version;
      if (version !== undefined && version !== stored) {
        throw new VedetteError('CONFLICT', `alert ${uid} is at version ${stored}, not ${version}`);
      }
      const after: Alert = { episode: before.episode, triage: { ...change(before.triage), version: stored + 1 } };
      await this.#store([{ before, after }]);
      return after;
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#root.close();
  }

  /** All in one transaction: alerts, index and counts never tell different things, whenever the process dies. */
  async #store(changes: readonly { before: Alert | undefined; after: Alert }[]): Promise<void> {
    if (changes.length === 0) return;
    const counts = this.#readCounts();
    await this.#root.batch(() => {
      for (const { before, after } of changes) {
        if (before) {
          count(counts, before, -1);
          if (before.episode.lastPaneMs !== after.episode.lastPaneMs) void this.#index.remove(indexKey(before));
        }
        count(counts, after, 1);
        void this.#alerts.put(after.episode.uid, after);
        void this.#index.put(indexKey(after), indexEntry(after));
      }
      void this.#counts.put('all', counts);
    });
  }

  #readCounts(): Counts {
    const stored = this.#counts.get('all');
    if (stored) return structuredClone(stored);
    const bySeverity = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
    return { open: 0, total: 0, bySeverity };
  }

  #write<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    // The next write doesn't depend on whether this one failed; whoever asked for this one is told.
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

function count(counts: Counts, { episode }: Alert, change: 1 | -1): void {
  counts.total += change;
  if (episode.isOpen) counts.open += change;
  counts.bySeverity[SEVERITIES[severityRank(episode.severity)]!] += change;
}
