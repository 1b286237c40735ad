import type { CsvMapping } from './decoder.ts';
import type { IngestPipeline } from './pipeline.ts';
import { SourceReader } from './source-reader.ts';
import type { SourceStateStore } from './source-state.ts';
import type { ByteSource } from './sources/chunk.ts';
import { FileFollower, type FollowerState } from './sources/file-follower.ts';
import { incarnationOf } from './sources/followed-file.ts';

const STATE = 'files';
/** How often positions are written down, ms: what a crash reads again at most. */
const COMMIT_MS = 500;

interface Saved {
  readonly follower: FollowerState;
  readonly readers: Readonly<Record<string, { readonly path: string; readonly state: string }>>;
}

export interface FileDoorOptions {
  readonly pipeline: IngestPipeline;
  readonly states: SourceStateStore;
  readonly paths: readonly string[];
  readonly format?: string;
  readonly mappings: readonly CsvMapping[];
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** Follows files and folders into the pipeline; their positions are kept over restarts, once what was read is durable. */
export class FileDoor {
  private readonly options: FileDoorOptions;
  private readonly readers = new Map<string, { reader: SourceReader; path: string }>();
  private readonly follower: FileFollower;
  /** Of an earlier run's readers, those whose files have given nothing yet in this one. */
  private readonly waiting: Map<string, Saved['readers'][string]>;
  /** Files read to their end, and up to where, that are not written down as such yet. */
  private ended: [incarnation: string, position: number][] = [];
  private isDirty = false;
  private isClosed = false;

  private constructor(options: FileDoorOptions, saved: Saved | undefined) {
    this.options = options;
    this.waiting = new Map(Object.entries(saved?.readers ?? {}));
    this.follower = new FileFollower({
      paths: options.paths,
      ...(saved ? { state: saved.follower } : {}),
      onUnsupported: (path, kind) => options.onNotice('warn', `${path} is not followed: it is ${kind}, not a text log`),
    });
  }

  static async open(options: FileDoorOptions): Promise<FileDoor> {
    const state = await options.states.load(stateName(options));
    return new FileDoor(options, state === undefined ? undefined : (JSON.parse(state) as Saved));
  }

  /** Reads until closed. Rejects when the log or the file system fails. */
  async run(): Promise<void> {
    let committed = performance.now();
    for (;;) {
      const chunk = await nextWithin(this.follower, COMMIT_MS, () => this.commitIfDirty());
      if (!chunk) break;
      const { reader } = this.readerFor(chunk.incarnation, chunk.path);
      reader.push(chunk);
      this.isDirty = true;
      if (this.options.pipeline.isFull || performance.now() - committed > COMMIT_MS) {
        await this.commit();
        committed = performance.now();
      }
      if (chunk.last) {
        reader.ingest?.close();
        this.readers.delete(chunk.incarnation);
        this.ended.push([chunk.incarnation, chunk.position]);
      }
    }
    await this.commitIfDirty();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.follower.close();
  }

  private readerFor(incarnation: string, path: string): { reader: SourceReader; path: string } {
    let known = this.readers.get(incarnation);
    if (!known) {
      const { pipeline, mappings, format } = this.options;
      const reader = new SourceReader({
        pipeline,
        mappings,
        holdsTime: false,
        ...(format === undefined ? {} : { format }),
      });
      const saved = this.waiting.get(incarnation);
      if (saved) reader.restore(incarnation, path, saved.state);
      this.waiting.delete(incarnation);
      known = { reader, path };
      this.readers.set(incarnation, known);
    }
    return known;
  }

  private async commitIfDirty(): Promise<void> {
    if (this.isDirty) await this.commit();
  }

  /** Makes durable what was read, then writes down how far that is. */
  private async commit(): Promise<void> {
    this.isDirty = false;
    const readers: Record<string, { path: string; state: string }> = {};
    const positions = this.ended;
    this.ended = [];
    for (const [incarnation, { reader, path }] of this.readers) {
      const state = reader.save();
      if (state === undefined) continue;
      readers[incarnation] = { path, state };
      positions.push([incarnation, reader.resumePosition]);
    }
    await this.options.pipeline.flush();
    for (const [incarnation, position] of positions) this.follower.commit(incarnation, position);
    const follower = this.follower.state();
    // What a file had when it was last read, such as its header, is needed when it gives more, after any number of runs.
    for (const incarnation of follower.files.map(incarnationOf)) {
      const unread = this.waiting.get(incarnation);
      if (unread) readers[incarnation] = unread;
    }
    const saved: Saved = { follower, readers };
    await this.options.states.save([{ name: stateName(this.options), state: JSON.stringify(saved) }]);
  }

  get closed(): boolean {
    return this.isClosed;
  }
}

function stateName({ paths }: FileDoorOptions): string {
  return `${STATE} ${[...paths].sort().join('\n')}`;
}

/** The next chunk; `idle` is called each time it is not there within `ms`. */
export async function nextWithin(
  source: ByteSource,
  ms: number,
  idle: () => Promise<void>,
): Promise<Awaited<ReturnType<ByteSource['next']>>> {
  const next = source.next();
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const quiet = new Promise<'quiet'>((resolve) => {
      timer = setTimeout(() => resolve('quiet'), ms);
    });
    const first = await Promise.race([next, quiet]);
    clearTimeout(timer);
    if (first !== 'quiet') return first;
    await idle();
  }
}
