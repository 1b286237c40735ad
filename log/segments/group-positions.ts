import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { GroupPosition } from '../event-log.ts';
import { DurableFile, type FsyncMode } from './durable-file.ts';
import { encodeBatch } from './frame.ts';
import { GroupCommit } from './group-commit.ts';
import { asAppendError, errorCode, syncFolder, type LogFiles } from './log-files.ts';
import { scanSegment } from './scan.ts';
import { encodeSegmentHeader, type Segment } from './segment.ts';
import type { LogCounters, LogPoint } from './stats.ts';
import type { OnWarning } from './warnings.ts';

/** The file is written anew when it is longer than this and most of it is superseded. */
const COMPACT_BYTES = 1 << 20;

export interface PositionsDeps {
  readonly salt: number;
  readonly fsync: FsyncMode;
  readonly files: LogFiles;
  readonly counters: LogCounters;
  readonly at: (point: LogPoint) => void;
  readonly warn: OnWarning;
}

interface Commit {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly position: GroupPosition;
}

/**
 * Where each group goes on. A file of the segments' format with one record a commit, a JSON array
 * `[group, topic, partition, offset, metadata]`; the last one of a (group, topic, partition) counts. Commits that
 * arrive while one is being synced share the next sync.
 */
export class GroupPositions {
  readonly #path: string;
  readonly #deps: PositionsDeps;
  readonly #latest: Map<string, Commit>;
  #file: DurableFile;
  #next: number;
  #compactAtBytes = COMPACT_BYTES;
  readonly #commits: GroupCommit<Commit>;

  private constructor(
    path: string,
    state: { latest: Map<string, Commit>; file: DurableFile; next: number },
    deps: PositionsDeps,
  ) {
    this.#path = path;
    this.#deps = deps;
    this.#latest = state.latest;
    this.#file = state.file;
    this.#next = state.next;
    this.#commits = new GroupCommit((commits) => this.#flush(commits));
  }

  /** Rewrites nothing that is there, so that it also opens on a full disk. */
  static async open(path: string, deps: PositionsDeps): Promise<GroupPositions> {
    const latest = new Map<string, Commit>();
    const scanned = await readPositions(path, latest, deps);
    if (scanned === undefined) {
      return new GroupPositions(path, { latest, file: await writeAnew(path, latest, deps), next: 0 }, deps);
    }
    const raw = await deps.files.openForWriting(path);
    await raw.truncate(scanned.sizeBytes);
    const file = new DurableFile(raw, scanned.sizeBytes, deps.fsync);
    return new GroupPositions(path, { latest, file, next: scanned.endOffset }, deps);
  }

  commit(commit: Commit): Promise<void> {
    return this.#commits.add(commit);
  }

  committed(group: string, topic: string, partition: number): GroupPosition | undefined {
    return this.#latest.get(keyOf({ group, topic, partition }))?.position;
  }

  hasCommitted(group: string, topic: string): boolean {
    for (const commit of this.#latest.values()) if (commit.group === group && commit.topic === topic) return true;
    return false;
  }

  /** The highest position of any group; 0 when there is none. */
  highest(topic: string, partition: number): number {
    let offset = 0;
    for (const commit of this.#latest.values()) {
      if (commit.topic === topic && commit.partition === partition) offset = Math.max(offset, commit.position.offset);
    }
    return offset;
  }

  async close(): Promise<void> {
    await this.#commits.idle();
    await this.#file.close();
  }

  async #flush(commits: readonly Commit[]): Promise<number> {
    if (this.#file.sizeBytes > this.#compactAtBytes) await this.#compact();
    const frames = encodeBatch(commits.map(encode), this.#next, this.#deps.salt);
    try {
      await this.#file.append(frames, () => {
        this.#deps.at('positions:written');
      });
    } catch (error) {
      throw asAppendError(error, 'group positions');
    }
    this.#deps.at('positions:synced');
    this.#next += commits.length;
    this.#deps.counters.positionBatches++;
    this.#deps.counters.positions += commits.length;
    for (const commit of commits) this.#latest.set(keyOf(commit), commit);
    return commits.length;
  }

  async #compact(): Promise<void> {
    try {
      const superseded = this.#file;
      this.#file = await writeAnew(this.#path, this.#latest, this.#deps);
      this.#next = this.#latest.size;
      this.#compactAtBytes = Math.max(COMPACT_BYTES, 8 * this.#file.sizeBytes);
      await superseded.close();
      this.#deps.at('positions:compacted');
    } catch (error) {
      this.#compactAtBytes = this.#file.sizeBytes + COMPACT_BYTES;
      this.#deps.warn({ kind: 'upkeep-failed', message: `Can't compact ${this.#path}: ${String(error)}` });
    }
  }
}

function keyOf({ group, topic, partition }: { group: string; topic: string; partition: number }): string {
  return JSON.stringify([group, topic, partition]);
}

function encode({ group, topic, partition, position }: Commit): Buffer {
  return Buffer.from(JSON.stringify([group, topic, partition, position.offset, position.metadata]));
}

function decode(data: Buffer): Commit {
  const [group, topic, partition, offset, metadata] = JSON.parse(data.toString()) as [
    string,
    string,
    number,
    number,
    string,
  ];
  return { group, topic, partition, position: { offset, metadata } };
}

/** Fills `latest`; undefined when there is no file yet. */
async function readPositions(
  path: string,
  latest: Map<string, Commit>,
  { salt, warn, counters }: PositionsDeps,
): Promise<Segment | undefined> {
  try {
    const { segment, tornBytes, damaged } = await scanSegment(path, {
      baseOffset: 0,
      salt,
      place: 'tail',
      onRecord: ({ data }) => {
        const commit = decode(data);
        latest.set(keyOf(commit), commit);
      },
    });
    counters.tornBytes += tornBytes;
    if (tornBytes > 0) {
      const message = `The last commit of group positions was torn; ${String(tornBytes)} bytes were cut off ${path}.`;
      warn({ kind: 'tail-cut', count: tornBytes, message });
    }
    for (const { from, to } of damaged) {
      const message = `${String(to - from)} commits in ${path} are damaged; their groups go on from earlier ones.`;
      warn({ kind: 'records-damaged', offset: from, count: to - from, message });
    }
    return segment;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Puts a file with only the latest positions in place of the old one, by renaming: one of the two is always whole. */
async function writeAnew(path: string, latest: ReadonlyMap<string, Commit>, deps: PositionsDeps): Promise<DurableFile> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const file = await deps.files.openForWriting(temporary);
  try {
    // A batch each: all of them had been acknowledged, so damage in one must not cost those behind it.
    const frames = [...latest.values()].map((commit, index) => encodeBatch([encode(commit)], index, deps.salt));
    const content = Buffer.concat([encodeSegmentHeader(0, 0), ...frames]);
    await file.write(content, 0);
    if (deps.fsync === 'group') await file.sync();
    await rename(temporary, path);
    if (deps.fsync === 'group') await syncFolder(dirname(path));
    return new DurableFile(file, content.length, deps.fsync);
  } catch (error) {
    await file.close();
    throw error;
  }
}
