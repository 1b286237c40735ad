import { watch, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { READ_BYTES, type ByteSource, type Chunk } from './chunk.ts';
import type { FileKind } from './file-kind.ts';
import { groupFiles, setName } from './file-set.ts';
import type { FollowedFile, FollowedFileState } from './followed-file.ts';
import type { DecompressionLimits } from './gunzip.ts';
import type { PresentFile } from './present-file.ts';
import { SetFollower } from './set-follower.ts';

/** What the caller stores, to go on after a restart. JSON. */
export interface FollowerState {
  readonly version: 1;
  readonly files: readonly FollowedFileState[];
}

export interface FileFollowerOptions {
  /** Files, and folders with all that is in them. Files that don't exist yet are waited for. */
  readonly paths: readonly string[];
  /** How often to look for changes, ms; the system's change events only make it sooner. Default 500. */
  readonly pollMs?: number;
  /** Default 'use'; with 'ignore' only polling finds changes. */
  readonly changeEvents?: 'use' | 'ignore';
  readonly state?: FollowerState;
  readonly limits?: Partial<DecompressionLimits>;
  /** A file that can't be read, such as a packet capture: told once. */
  readonly onUnsupported?: (path: string, kind: FileKind) => void;
}

interface Listing {
  readonly byPath: ReadonlyMap<string, PresentFile>;
  /** Sets of files that were given by name. */
  readonly namedSets: ReadonlySet<string>;
}

const MAX_LISTINGS = 5;

/** Change events of a busy file come by the thousand. */
const MIN_SCAN_GAP_MS = 20;

/**
 * Follows files and folders as they are written, through rotation (rename and create, copytruncate, compression) and
 * over restarts. Each rotated set is read oldest first; sets take turns. `next` waits for data and gives undefined only
 * once closed. Chunks of one incarnation follow each other without a gap.
 *
 * At-least-once: {@link commit} what is durable, store {@link state}, and hand it to the next follower. Of a file given
 * by name, rotated siblings that were there before are not read; of a folder, all are.
 */
export class FileFollower implements ByteSource {
  readonly #options: FileFollowerOptions;
  readonly #pollMs: number;
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #sets = new Map<string, SetFollower>();
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #incarnations = new Map<string, FollowedFile>();
  readonly #storedSets: ReadonlyMap<string, readonly FollowedFileState[]>;
  #order: SetFollower[] = [];
  #turn = 0;
  #lastScanMs = -Infinity;
  #lastNames = '';
  #isClosed = false;
  #isChanged = false;
  #wake: () => void = () => undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: FileFollowerOptions) {
    this.#options = options;
    this.#pollMs = options.pollMs ?? 500;
    const stored = new Map<string, FollowedFileState[]>();
    for (const file of options.state?.files ?? []) stored.set(file.set, [...(stored.get(file.set) ?? []), file]);
    this.#storedSets = stored;
  }

  next(): Promise<Chunk | undefined> {
    const chunk = this.#next();
    this.#running = chunk.catch(() => undefined);
    return chunk;
  }

  /** Everything before `position` of an incarnation is durable. */
  commit(incarnation: string, position: number): void {
    this.#file(incarnation)?.commit(position);
  }

  state(): FollowerState {
    const files = [...this.#sets.values()].flatMap((set) => set.known.map((file) => file.state()));
    const waiting = [...this.#storedSets].filter(([name]) => !this.#sets.has(name)).flatMap(([, stored]) => stored);
    return { version: 1, files: [...files, ...waiting] };
  }

  /** Also ends a call of {@link next} that is waiting. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#running;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    for (const set of this.#sets.values()) await set.close();
  }

  async #next(): Promise<Chunk | undefined> {
    while (!this.#isClosed) {
      const gapMs = performance.now() - this.#lastScanMs;
      if (gapMs >= (this.#isChanged ? Math.min(MIN_SCAN_GAP_MS, this.#pollMs) : this.#pollMs)) await this.#scan();
      for (let tried = 0; tried < this.#order.length; tried++) {
        const set = this.#order[this.#turn % this.#order.length]!;
        this.#turn++;
        const chunk = await set.next();
        if (chunk !== undefined) return chunk;
        if (set.isStale) this.#isChanged = true;
      }
      if (!this.#closing()) await this.#wait();
    }
    return undefined;
  }

  #closing(): boolean {
    return this.#isClosed;
  }

  #wait(): Promise<void> {
    const sinceScanMs = performance.now() - this.#lastScanMs;
    const waitMs = (this.#isChanged ? Math.min(MIN_SCAN_GAP_MS, this.#pollMs) : this.#pollMs) - sinceScanMs;
    return new Promise((done) => {
      const timer = setTimeout(
        () => {
          this.#wake();
        },
        Math.max(1, waitMs),
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        done();
      };
    });
  }

  async #scan(): Promise<void> {
    this.#isChanged = false;
    // Taken first, so that what changes while the folder is listed counts as recent.
    const nowMs = Date.now();
    const { byPath, namedSets } = await this.#listSteadily();
    const groups = groupFiles([...byPath.keys()]);
    for (const group of groups) {
      const last = group.paths.length - 1;
      const files = group.paths.map((path, index) => {
        const file = byPath.get(path)!;
        return index === last && !path.endsWith('.gz') ? { ...file, isCurrent: true } : file;
      });
      await this.#set(group.name, namedSets.has(group.name) ? 'skip' : 'read').update(files, nowMs);
    }
    // A set without files still has one open, perhaps.
    const present = new Set(groups.map((group) => group.name));
    for (const [name, set] of this.#sets) if (!present.has(name)) await set.update([], nowMs);
    this.#lastScanMs = performance.now();
  }

  /**
   * Lists until two listings agree: one that is made while files are renamed can miss a file under both of its names.
   */
  async #listSteadily(): Promise<Listing> {
    for (let again = 0; ; again++) {
      const listing = await this.#list();
      const names = [...listing.byPath.values()].map((file) => `${file.inode} ${file.path}`).join('\n');
      const isSame = names === this.#lastNames;
      this.#lastNames = names;
      if (isSame || again >= MAX_LISTINGS) return listing;
    }
  }

  async #list(): Promise<Listing> {
    const byPath = new Map<string, PresentFile>();
    const namedSets = new Set<string>();
    const folders = new Set<string>();
    for (const given of this.#options.paths) {
      const path = resolve(given);
      const info = await stat(path).catch(() => undefined);
      if (info?.isDirectory() === true) {
        await listFolder(path, byPath, folders);
      } else {
        const set = setName(path);
        namedSets.add(set);
        const siblings = new Map<string, PresentFile>();
        await listFiles(dirname(path), siblings);
        for (const [name, file] of siblings) if (name === path || setName(name) === set) byPath.set(name, file);
        folders.add(dirname(path));
      }
    }
    if (this.#options.changeEvents !== 'ignore') for (const folder of folders) this.#watch(folder);
    return { byPath, namedSets };
  }

  #set(name: string, history: 'read' | 'skip'): SetFollower {
    const existing = this.#sets.get(name);
    if (existing !== undefined) return existing;
    const set = new SetFollower({
      name,
      history,
      state: this.#storedSets.get(name) ?? [],
      quietMs: this.#pollMs,
      limits: this.#options.limits ?? {},
      buffer: this.#buffer,
      onUnsupported: this.#options.onUnsupported ?? (() => undefined),
    });
    this.#sets.set(name, set);
    this.#order = [...this.#sets.values()];
    return set;
  }

  #file(incarnation: string): FollowedFile | undefined {
    const cached = this.#incarnations.get(incarnation);
    if (cached !== undefined) return cached;
    this.#incarnations.clear();
    for (const set of this.#sets.values()) {
      for (const file of set.known) this.#incarnations.set(file.incarnation, file);
    }
    return this.#incarnations.get(incarnation);
  }

  /** Only makes things sooner: where watching is impossible (network drives, too many watches), polling does it all. */
  #watch(folder: string): void {
    if (this.#watchers.has(folder) || this.#isClosed) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        this.#isChanged = true;
        this.#wake();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch {
      return;
    }
  }
}

async function listFolder(folder: string, into: Map<string, PresentFile>, folders: Set<string>): Promise<void> {
  folders.add(folder);
  for (const child of await listFiles(folder, into)) await listFolder(child, into, folders);
}

/** Adds a folder's regular files, hidden ones excepted; returns its folders. What vanishes meanwhile is left out. */
async function listFiles(folder: string, into: Map<string, PresentFile>): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      folders.push(path);
      continue;
    }
    const info = await stat(path).catch(() => undefined);
    if (info?.isFile() !== true) continue;
    into.set(path, {
      path,
      inode: info.ino,
      birthMs: info.birthtimeMs,
      sizeBytes: info.size,
      mtimeMs: info.mtimeMs,
      isCurrent: false,
    });
  }
  return folders;
}
