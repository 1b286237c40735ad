import { VedetteError } from '../model/errors.ts';
import { nextWithin } from './file-door.ts';
import type { CsvMapping } from './decoder.ts';
import { chooseFormat, chooseFormatAgain, type FormatChoice } from './formats.ts';
import { RawCutter, headerKindOf, type RawCut, type RawCutterState } from './raw-cutter.ts';
import { packLines, type RawPublishing } from './raw-publisher.ts';
import type { SourceStateStore } from './source-state.ts';
import type { Chunk } from './sources/chunk.ts';
import { FileFollower, type FollowerState } from './sources/file-follower.ts';
import { incarnationOf } from './sources/followed-file.ts';

const STATE = 'raw files';
/** How often positions are written down, ms: what a crash publishes again at most. */
const COMMIT_MS = 500;
const RETRY_MS = 1000;
const HEAD_BYTES = 65_536;

interface SavedReader {
  readonly path: string;
  readonly format: string;
  readonly cutter: RawCutterState;
}

interface Saved {
  readonly follower: FollowerState;
  readonly readers: Readonly<Record<string, SavedReader>>;
}

interface Reader {
  readonly path: string;
  readonly choice: FormatChoice;
  readonly cutter: RawCutter;
}

export interface RawFileDoorOptions extends RawPublishing {
  readonly states: SourceStateStore;
  readonly paths: readonly string[];
  readonly format?: string;
  readonly mappings: readonly CsvMapping[];
  /** Name of this machine among those that follow files: the same path on two of them is two sources. */
  readonly listener: string;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onNotice: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/**
 * Follows files and folders into the raw log. A line is published with its file's incarnation and its position there,
 * so that what a crash publishes again is dropped downstream; a file's messages go one after another, each once the one
 * before is durable, since a line that overtook another would have it dropped.
 */
export class RawFileDoor {
  private readonly options: RawFileDoorOptions;
  private readonly readers = new Map<string, Reader>();
  private readonly follower: FileFollower;
  /** Of an earlier run's readers, those whose files have given nothing yet in this one. */
  private readonly waiting: Map<string, SavedReader>;
  private cuts: { readonly cut: RawCut; readonly incarnation: string; readonly reader: Reader }[] = [];
  private ended: [incarnation: string, position: number][] = [];
  private isDirty = false;
  private readonly closing = new AbortController();

  private constructor(options: RawFileDoorOptions, saved: Saved | undefined) {
    this.options = options;
    this.waiting = new Map(Object.entries(saved?.readers ?? {}));
    this.follower = new FileFollower({
      paths: options.paths,
      ...(saved ? { state: saved.follower } : {}),
      onUnsupported: (path, kind) => options.onNotice('warn', `${path} is not followed: it is ${kind}, not a text log`),
    });
  }

  static async open(options: RawFileDoorOptions): Promise<RawFileDoor> {
    const state = await options.states.load(stateName(options));
    return new RawFileDoor(options, state === undefined ? undefined : (JSON.parse(state) as Saved));
  }

  /** Reads until closed. Rejects when the raw log refuses or the file system fails. */
  async run(): Promise<void> {
    let committed = performance.now();
    for (;;) {
      const chunk = await nextWithin(this.follower, COMMIT_MS, () => this.commitIfDirty());
      if (!chunk) break;
      this.take(chunk);
      await this.publish();
      if (performance.now() - committed > COMMIT_MS) {
        await this.commit();
        committed = performance.now();
      }
      if (this.closing.signal.aborted) break;
    }
    await this.commitIfDirty();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.follower.close();
  }

  private take(chunk: Chunk): void {
    const { bytes, position, incarnation, last, problem } = chunk;
    const reader = this.readerFor(chunk);
    this.isDirty = true;
    reader.cutter.push(bytes, position);
    if (!last) return;
    const end = position + bytes.length;
    reader.cutter.finish({ position: end, ...(problem === undefined ? {} : { problem }) });
    this.readers.delete(incarnation);
    this.ended.push([incarnation, end]);
  }

  private readerFor({ incarnation, path, bytes }: Chunk): Reader {
    const known = this.readers.get(incarnation);
    if (known) return known;
    const { mappings, format, batchBytes, maxMessageBytes } = this.options;
    const saved = this.waiting.get(incarnation);
    this.waiting.delete(incarnation);
    const choice = saved
      ? chooseFormatAgain(saved.format, mappings)
      : chooseFormat(bytes.subarray(0, HEAD_BYTES), {
          path,
          mappings,
          ...(format === undefined ? {} : { named: format }),
        });
    if (choice.mapping?.time === '')
      throw new VedetteError(
        'UNSUPPORTED',
        `${path}: mapping ${choice.mapping.name} counts lines from the file's start, which messages do not tell`,
      );
    const cutter = new RawCutter(
      {
        batchBytes,
        maxBytes: maxMessageBytes,
        headerKind: headerKindOf(choice),
        onCut: (cut) => this.cuts.push({ cut, incarnation, reader }),
      },
      saved?.cutter,
    );
    const reader: Reader = { path, choice, cutter };
    this.readers.set(incarnation, reader);
    return reader;
  }

  /** In order, one at a time, and again for as long as Pulsar is away: nothing further is read meanwhile. */
  private async publish(): Promise<void> {
    const cuts = this.cuts;
    this.cuts = [];
    for (const { cut, incarnation, reader } of cuts) {
      const { choice, path } = reader;
      const name = choice.mapping?.name ?? choice.format.name;
      const { bytes, position, header, layout, problem } = cut;
      const source = `${this.options.listener}:${incarnation}`;
      const lines = {
        bytes,
        position,
        source,
        path,
        header,
        layout,
        receivedMs: this.options.now(),
        ...(name === 'unknown' ? {} : { format: name }),
        ...(problem === undefined ? {} : { problem }),
      };
      const publish = await packLines(this.options, lines, source);
      for (;;) {
        // Closed without having published it: the position is not written down, so it comes again.
        if (this.closing.signal.aborted) {
          this.isDirty = false;
          return;
        }
        try {
          await publish();
          break;
        } catch (error) {
          if (!(error instanceof VedetteError) || !error.retry) throw error;
          this.options.onNotice('warn', `${path} waits for Pulsar: ${error.message}`);
          await pauseUnless(this.closing.signal, RETRY_MS);
        }
      }
    }
  }

  private async commitIfDirty(): Promise<void> {
    if (this.isDirty) await this.commit();
  }

  /** Publishes what is read, then writes down how far that is. */
  private async commit(): Promise<void> {
    for (const { cutter } of this.readers.values()) cutter.flush();
    await this.publish();
    if (!this.isDirty) return;
    this.isDirty = false;
    const readers: Record<string, SavedReader> = {};
    const positions = this.ended;
    this.ended = [];
    for (const [incarnation, { cutter, choice, path }] of this.readers) {
      readers[incarnation] = { path, format: choice.mapping?.name ?? choice.format.name, cutter: cutter.save() };
      positions.push([incarnation, cutter.resumePosition]);
    }
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
}

function stateName({ paths, listener }: RawFileDoorOptions): string {
  return `${STATE} ${listener} ${[...paths].sort().join('\n')}`;
}

function pauseUnless(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
