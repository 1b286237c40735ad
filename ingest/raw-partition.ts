import { VedetteError } from '../model/errors.ts';
import type { CsvMapping, Decoder } from './decoder.ts';
import { chooseFormat, chooseFormatAgain, type FormatChoice } from './formats.ts';
import type { IngestSource } from './ingest-source.ts';
import type { IngestPipeline } from './pipeline.ts';
import { compareIds, type RawMessageId, type ReceivedMessage } from './raw-log.ts';
import { openMessage, type RawContent, type RawRefusal, type StoredPlace } from './raw-message.ts';
import { RecordSplitter } from './sources/record-splitter.ts';

const LF = 10;
const HEAD_BYTES = 65_536;
/** What is kept of a message that could not be read. */
const LETTER_BYTES = 65_536;
const BEFORE_ALL: RawMessageId = { ledgerId: -1, entryId: -1, batchIndex: -1 };

interface SavedPartition {
  readonly v: 1;
  readonly last: RawMessageId;
  readonly sources: readonly { readonly format: string; readonly isActive: boolean; readonly source: string }[];
}

export interface RawPartitionOptions {
  readonly pipeline: IngestPipeline;
  readonly mappings: readonly CsvMapping[];
  /** Topic and partition, as in the ids of its sources: `raw-zeek-0`. */
  readonly name: string;
  /** The topic's. */
  readonly incarnation: string;
  /** Of messages that name no format. */
  readonly format?: string;
}

/** A message that waits, and its content, which is unpacked ahead. */
interface Waiting {
  readonly message: ReceivedMessage;
  content?: Promise<RawContent | RawRefusal>;
}

/**
 * One partition of the raw log on its way into the pipeline: messages in order, each read by the format that it names
 * or shows. A format's messages are one source with one watermark. Rows are stored by the message's own id, by the
 * (source, position) that it carries, or by its idempotency key: what comes twice is dropped downstream.
 */
export class RawPartition {
  readonly counters = { messages: 0, bytes: 0, refused: 0, repeated: 0 };
  /** Given to the pipeline last. */
  last: RawMessageId = BEFORE_ALL;
  /** Whether `last` and the sources go on from what was saved, by whichever process. */
  isLoaded = false;
  readonly stateName: string;
  private readonly options: RawPartitionOptions;
  private readonly base: string;
  private readonly sources = new Map<string, IngestSource>();
  private queue: Waiting[] = [];
  private savedActive = '';
  /** Between which messages something was missing when all was asked for again. */
  private askedFor: { readonly last: RawMessageId; readonly next: RawMessageId } | undefined;
  private isAsking = false;

  constructor(options: RawPartitionOptions) {
    this.options = options;
    this.base = `pulsar/${options.name}`;
    this.stateName = `${this.base}#${options.incarnation}`;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Whether a source has gone idle, or come back, since the last {@link save}. */
  get hasTurned(): boolean {
    return this.activeNames() !== this.savedActive;
  }

  push(message: ReceivedMessage): void {
    if (!this.isAsking) this.queue.push({ message });
  }

  /** The connection was lost: what waits comes again, in order. */
  reset(): void {
    this.queue = [];
    this.isAsking = false;
  }

  /** Whether messages were missed between the last one and the next: somebody else had the partition. */
  get hasGap(): boolean {
    const next = this.queue[0]?.message.id;
    if (!next || compareIds(next, this.last) <= 0) return false;
    const { ledgerId, entryId, batchIndex } = this.last;
    if (next.ledgerId !== ledgerId) return true;
    if (next.entryId === entryId) return next.batchIndex !== batchIndex + 1;
    return next.entryId !== entryId + 1 || next.batchIndex > 0;
  }

  /**
   * Whether messages are missing before the next one that nobody has acknowledged, since then what was saved would be
   * further; to be asked when that is loaded. They come again, but must not come behind it: of a source, rows that are
   * not above the highest position count as duplicates. Where they are still missing then, they are gone (retention, or
   * an operator's reset), and that is accepted. Takes no message before {@link reset} where it says yes.
   */
  asksForMissing(): boolean {
    const next = this.queue[0]?.message.id;
    if (!next || !this.hasGap) return false;
    const beginsLedger = next.ledgerId !== this.last.ledgerId && next.entryId === 0 && next.batchIndex <= 0;
    if (beginsLedger) return false;
    const { askedFor, last } = this;
    if (askedFor && compareIds(askedFor.last, last) === 0 && compareIds(askedFor.next, next) === 0) return false;
    this.askedFor = { last, next };
    this.queue = [];
    this.isAsking = true;
    return true;
  }

  /** Unpacks the next message, and the one after it meanwhile; undefined where none waits any more. */
  async take(): Promise<{ message: ReceivedMessage; content: RawContent | RawRefusal } | undefined> {
    const next = this.queue[0];
    if (!next) return undefined;
    const content = await this.contentOf(next);
    const { 1: after } = this.queue;
    if (after) void this.contentOf(after);
    // Reset meanwhile: it comes again.
    if (this.queue[0] !== next) return undefined;
    this.queue.shift();
    return { message: next.message, content };
  }

  /** Into the pipeline. Gives the bytes that were read; 0 for a message that the pipeline has had already. */
  write(message: ReceivedMessage, content: RawContent | RawRefusal): number {
    if (compareIds(message.id, this.last) <= 0) {
      this.counters.repeated++;
      return 0;
    }
    this.last = message.id;
    this.counters.messages++;
    if ('refused' in content) this.refuse(content);
    else this.read(content);
    this.counters.bytes += content.bytes.length;
    return content.bytes.length;
  }

  /** Time is held for what waits, even where the log takes nothing for long. */
  touch(): void {
    const now = this.options.pipeline.options.now();
    for (const source of this.sources.values()) source.lastReceivedMs = now;
  }

  save(): string {
    this.savedActive = this.activeNames();
    const sources = [...this.sources].map(([format, source]) => ({
      format,
      isActive: source.state === 'active',
      source: source.save(),
    }));
    return JSON.stringify({ v: 1, last: this.last, sources } satisfies SavedPartition);
  }

  /** Goes on from what was saved, unless this process is further; sources that held time do so again. */
  load(state: string | undefined): void {
    this.isLoaded = true;
    if (state === undefined) return;
    const saved = JSON.parse(state) as SavedPartition;
    if (compareIds(saved.last, this.last) <= 0) return;
    this.drop();
    this.last = saved.last;
    for (const { format, isActive, source } of saved.sources) {
      const choice = chooseFormatAgain(format, this.options.mappings);
      const decoder = this.decoderOf(choice);
      // A mapping that the configuration no longer has: content decides, as a source of its own.
      if (!decoder || nameOf(choice) !== format) continue;
      const opened = this.openSource(choice, decoder, source);
      if (!isActive) continue;
      opened.lastReceivedMs = this.options.pipeline.options.now();
      opened.resume();
    }
    this.isLoaded = true;
  }

  /** Somebody else has the partition: its sources are theirs, and say nothing here any more. */
  drop(): void {
    const { pipeline } = this.options;
    for (const source of this.sources.values()) pipeline.sources.delete(source.id);
    this.sources.clear();
    this.isLoaded = false;
  }

  private activeNames(): string {
    return [...this.sources].flatMap(([format, { state }]) => (state === 'active' ? [format] : [])).join(' ');
  }

  private contentOf(waiting: Waiting): Promise<RawContent | RawRefusal> {
    return (waiting.content ??= openMessage(waiting.message, this.options.incarnation));
  }

  private read(content: RawContent): void {
    const { bytes, receivedMs, place, layout, problem } = content;
    const choice = this.choose(content);
    const decoder = choice && this.decoderOf(choice, content);
    if (!choice || !decoder) {
      this.refuse({ refused: 'unknown_format', bytes, receivedMs, place });
      return;
    }
    const source = this.sources.get(nameOf(choice)) ?? this.openSource(choice, decoder);
    source.decodeWith(decoder);
    source.storedAs(storedId(source.id, place));
    source.context.receivedMs = receivedMs;
    if (problem !== undefined) source.refuse(problem, bytes, 0, bytes.length, place.position);
    else {
      const splitter = new RecordSplitter(
        {
          record: (record, start, end, position) => source.write(record, start, end, position, receivedMs),
          rejected: (reason, position, head) => source.refuse(reason, head, 0, head.length, position),
        },
        layout === undefined ? {} : { layout },
      );
      splitter.push(bytes, place.position);
      splitter.finish();
    }
    // Idleness is a matter of this process's clock, not of when a backlog was published.
    source.lastReceivedMs = this.options.pipeline.options.now();
  }

  private refuse({ refused, bytes, receivedMs, place }: RawRefusal): void {
    this.counters.refused++;
    this.options.pipeline.deadLetter({
      source: storedId(`${this.base}/unknown#`, place),
      position: place.position,
      format: 'unknown',
      reason: refused,
      receivedMs,
      bytes: bytes.slice(0, LETTER_BYTES),
      sizeBytes: bytes.length,
    });
  }

  private choose(content: RawContent): FormatChoice | undefined {
    const { mappings, name } = this.options;
    const named = content.format ?? this.options.format;
    const { header } = content;
    const body = content.bytes.subarray(0, HEAD_BYTES);
    const head = header ? Buffer.concat([header, NEWLINE, body]) : body;
    return orUndefined(() =>
      chooseFormat(head, { path: content.path ?? name, mappings, ...(named === undefined ? {} : { named }) }),
    );
  }

  /** A decoder that knows nothing but this message; undefined where a mapping makes nothing of the path. */
  private decoderOf({ format, mapping }: FormatChoice, content?: RawContent): Decoder | undefined {
    const { name, pipeline } = this.options;
    const fileName = content?.path ?? name;
    const decoder = orUndefined(() => format.createDecoder({ fileName, ...(mapping ? { mapping } : {}) }));
    const header = content?.header;
    if (!decoder || !header) return decoder;
    for (let start = 0; start < header.length;) {
      const newline = header.indexOf(LF, start);
      const end = newline < 0 ? header.length : newline;
      // What is no header shows in the lines that then cannot be read.
      decoder.decodeLine(header, start, end, pipeline.row, () => undefined);
      start = end + 1;
    }
    return decoder;
  }

  private openSource(choice: FormatChoice, decoder: Decoder, state?: string): IngestSource {
    const name = nameOf(choice);
    const source = this.options.pipeline.openSource({
      id: `${this.base}/${name}#${this.options.incarnation}`,
      decoder,
      disorderMs: choice.mapping?.disorderMs ?? choice.format.disorderMs,
      holdsTime: false,
      ...(state === undefined ? {} : { state }),
    });
    this.sources.set(name, source);
    return source;
  }
}

/** What a message asks for and the configuration does not have is the message's fault, not ours. */
function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof VedetteError && error.code === 'CONFIG_INVALID') return undefined;
    throw error;
  }
}

const NEWLINE = Buffer.of(LF);

function nameOf({ format, mapping }: FormatChoice): string {
  return mapping?.name ?? format.name;
}

function storedId(sourceId: string, { incarnation }: StoredPlace): string {
  return `${sourceId.slice(0, sourceId.indexOf('#'))}#${incarnation}`;
}

/** Whether a saved state is further than a message. */
export function isSavedBeyond(state: string | undefined, last: RawMessageId): boolean {
  return state !== undefined && compareIds((JSON.parse(state) as SavedPartition).last, last) > 0;
}
