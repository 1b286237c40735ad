import type { CsvMapping } from './decoder.ts';
import { chooseFormat, chooseFormatAgain, type FormatChoice } from './formats.ts';
import type { IngestSource } from './ingest-source.ts';
import type { IngestPipeline } from './pipeline.ts';
import type { Chunk } from './sources/chunk.ts';
import type { RecordSink } from './sources/record-sink.ts';
import { RecordSplitter, type RecordLayout } from './sources/record-splitter.ts';

export interface SourceReaderOptions {
  readonly pipeline: IngestPipeline;
  readonly mappings: readonly CsvMapping[];
  /** Format by name; undefined: by mapping or content. */
  readonly format?: string;
  /** See {@link IngestPipeline.openSource}. */
  readonly holdsTime: boolean;
}

interface SavedReader {
  readonly format: string;
  readonly layout: RecordLayout;
  readonly source: string;
}

/** Bytes shown to a format's detection. */
const HEAD_BYTES = 65_536;

/** Reads one incarnation of a source: cuts its chunks into records and hands them to the pipeline. */
export class SourceReader implements RecordSink {
  private readonly options: SourceReaderOptions;
  private source: IngestSource | undefined;
  private splitter: RecordSplitter;
  private formatName = '';
  private receivedMs = 0;

  constructor(options: SourceReaderOptions) {
    this.options = options;
    this.splitter = new RecordSplitter(this);
  }

  /** The pipeline's source; undefined before the first byte. */
  get ingest(): IngestSource | undefined {
    return this.source;
  }

  /** Goes on where {@link save} was called; the next chunk begins at the position saved with it. */
  restore(incarnation: string, path: string, state: string): void {
    const saved = JSON.parse(state) as SavedReader;
    this.splitter = new RecordSplitter(this, { layout: saved.layout });
    this.open(incarnation, path, chooseFormatAgain(saved.format, this.options.mappings), saved.source);
  }

  /** Opens the source by its first chunk, without reading it: it counts in time from here on. */
  prepare(chunk: Chunk): void {
    // What is broken before its first byte is a source as well: its dead letter says so.
    if (this.source || (chunk.bytes.length === 0 && !chunk.problem)) return;
    const { format, mappings } = this.options;
    const head = chunk.bytes.subarray(0, HEAD_BYTES);
    const choice = chooseFormat(head, {
      path: chunk.path,
      mappings,
      ...(format === undefined ? {} : { named: format }),
    });
    this.open(chunk.incarnation, chunk.path, choice);
  }

  push(chunk: Chunk): void {
    const { bytes, position, last, problem } = chunk;
    // Once a chunk: its records arrived together.
    this.receivedMs = this.options.pipeline.options.now();
    this.prepare(chunk);
    if (bytes.length > 0) this.splitter.push(bytes, position);
    if (!last) return;
    this.splitter.finish();
    if (problem && this.source) this.source.refuse(problem, new Uint8Array(0), 0, 0, position + bytes.length);
  }

  /** Where to read on after a restart, once what was pushed is durable. */
  get resumePosition(): number {
    return this.splitter.resumePosition;
  }

  save(): string | undefined {
    if (!this.source) return undefined;
    const saved: SavedReader = {
      format: this.formatName,
      layout: this.splitter.layout ?? 'lines',
      source: this.source.save(),
    };
    return JSON.stringify(saved);
  }

  record(bytes: Uint8Array, start: number, end: number, position: number): void {
    this.source!.write(bytes, start, end, position, this.receivedMs);
  }

  rejected(reason: 'too_long' | 'truncated_input', position: number, head: Uint8Array): void {
    this.source!.refuse(reason, head, 0, head.length, position);
  }

  private open(incarnation: string, path: string, { format, mapping }: FormatChoice, state?: string): void {
    const { pipeline, holdsTime } = this.options;
    this.formatName = mapping?.name ?? format.name;
    this.source = pipeline.openSource({
      id: incarnation,
      decoder: format.createDecoder({ fileName: path, ...(mapping ? { mapping } : {}) }),
      disorderMs: mapping?.disorderMs ?? format.disorderMs,
      holdsTime,
      ...(state === undefined ? {} : { state }),
    });
  }
}
