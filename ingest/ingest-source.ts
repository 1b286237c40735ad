import { ControlKind } from '../model/event-block.ts';
import { EVENT_CLASSES } from '../model/event-columns.ts';
import type { RowContext } from './block-builder.ts';
import type { DeadLetterReason, Decoder } from './decoder.ts';
import type { EventRow } from './event-row.ts';
import type { IngestPipeline } from './pipeline.ts';
import { SourceClock, type SourceClockState } from './source-clock.ts';

const EMPTY = new Uint8Array(0);
/** By class: whether its records are counted in windows. */
const HAS_WINDOWS = Uint8Array.from(EVENT_CLASSES, (name) =>
  name === 'network' || name === 'dns' || name === 'reading' ? 1 : 0,
);
/** What is kept of a record that could not be read. */
const LETTER_BYTES = 65_536;
/** A header that is still in use is put again after so long: a store may let go of it by age. */
const HEADER_RENEW_MS = 86_400_000;
/** Stored sources whose last header is remembered: messages of several files come in turns. */
const NOTED_SOURCES = 1000;

interface SavedSource {
  readonly clock: SourceClockState;
  readonly decoder: string;
}

/** One ordered input of the pipeline: its decoder, its watermark, its counts. Positions given must rise. */
export class IngestSource {
  readonly id: string;
  readonly clock: SourceClock;
  readonly context: RowContext;
  readonly counters = { events: 0, late: 0, deadLetters: 0 };
  /** `new` until its first record (or activation): it does not count in time yet. */
  state: 'new' | 'active' | 'idle' | 'closed' = 'new';
  lastReceivedMs = -Infinity;
  /** What to do with records that cannot be read; `count`: whoever gave them has them still. */
  refused: 'keep' | 'count' = 'keep';
  private readonly pipeline: IngestPipeline;
  private decoder: Decoder;
  private readonly emit: (row: EventRow) => void;
  private linePosition = -1;
  private emitted = 0;
  /** The decoder may have another header than the one that was noted last. */
  private isHeaderStale = true;
  /** By the source that rows are stored under: the header that was noted last. */
  private readonly noted = new Map<string, { readonly state: string; readonly atMs: number }>();

  constructor(pipeline: IngestPipeline, spec: { id: string; decoder: Decoder; disorderMs: number; state?: string }) {
    this.id = spec.id;
    this.pipeline = pipeline;
    this.decoder = spec.decoder;
    this.clock = new SourceClock({ disorderMs: spec.disorderMs });
    if (spec.state !== undefined) {
      const saved = JSON.parse(spec.state) as SavedSource;
      this.clock.restore(saved.clock);
      this.decoder.restoreState(saved.decoder);
    }
    this.context = {
      source: spec.id,
      sourceBytes: Buffer.from(spec.id),
      position: -1,
      receivedMs: 0,
      late: false,
      direction: 0,
      siteBytes: EMPTY,
      srcGroup: EMPTY,
      dstGroup: EMPTY,
      raw: EMPTY,
      rawStart: 0,
      rawEnd: 0,
    };
    this.emit = () => this.take();
  }

  get format(): string {
    return this.decoder.format;
  }

  /** Reads on with another decoder: the next record begins a text of its own. */
  decodeWith(decoder: Decoder): void {
    this.decoder = decoder;
    this.isHeaderStale = true;
  }

  /** Stores what follows under another source id (and so with positions of its own), or under its own again. */
  storedAs(id: string | undefined): void {
    const source = id ?? this.id;
    if (source === this.context.source) return;
    this.context.source = source;
    this.context.sourceBytes = Buffer.from(source);
    this.isHeaderStale = true;
  }

  /** One record: bytes[start, end) without its line's end, at `position` in the source. */
  write(bytes: Uint8Array, start: number, end: number, position: number, receivedMs: number): void {
    const { context } = this;
    // Mostly as it was: storing a reference costs more than comparing it.
    if (context.raw !== bytes) context.raw = bytes;
    context.rawStart = start;
    context.rawEnd = end;
    this.linePosition = position;
    this.emitted = 0;
    context.receivedMs = receivedMs;
    this.lastReceivedMs = receivedMs;
    const result = this.decoder.decodeLine(bytes, start, end, this.pipeline.row, this.emit);
    if (result === 'skip') this.isHeaderStale = true;
    else if (result !== 'event') this.refuse(result, bytes, start, end, position);
  }

  /** A record that no decoder saw: too long, cut off, not to be decompressed. */
  refuse(reason: DeadLetterReason, bytes: Uint8Array, start: number, end: number, position: number): void {
    this.counters.deadLetters++;
    if (this.refused === 'count') return;
    const decoderState = this.decoder.saveState();
    this.pipeline.deadLetter({
      source: this.context.source,
      position,
      format: this.decoder.format,
      reason,
      receivedMs: this.context.receivedMs || this.pipeline.options.now(),
      bytes: bytes.slice(start, Math.min(end, start + LETTER_BYTES)),
      sizeBytes: end - start,
      ...(decoderState === '{}' || decoderState === '' ? {} : { decoderState }),
    });
  }

  /** Counts in time from now on. */
  activate(): void {
    if (this.state === 'active') return;
    // What a source brings that is older than the others' time is late: those panes are closed.
    const { timeMs } = this.pipeline;
    if (timeMs !== -Infinity) this.clock.raise(timeMs);
    this.resume();
  }

  /**
   * Counts in time from where it was saved, as it has all along in the log. Time there may be further, by this source's
   * own records behind what was saved; they come again now, and are no later than they were.
   */
  resume(): void {
    this.state = 'active';
    const { tickMs } = this.clock;
    this.pipeline.control(ControlKind.open, this.id, tickMs === -Infinity ? NaN : tickMs);
  }

  /** Nothing comes for now: time goes to the end of what came, and no longer waits for this source. */
  pause(): void {
    if (this.state !== 'active') return;
    this.tickTo(this.clock.endMs);
    this.state = 'idle';
    this.pipeline.control(ControlKind.idle, this.id, this.clock.tickMs);
    this.pipeline.left({ tickMs: this.clock.tickMs, endMs: -Infinity });
  }

  /** Nothing will ever come. */
  close(): void {
    if (this.state === 'closed') return;
    const wasKnown = this.state !== 'new';
    const { endMs } = this.clock;
    this.state = 'closed';
    this.pipeline.forget(this);
    if (!wasKnown) return;
    this.pipeline.control(ControlKind.closed, this.id, endMs);
    this.pipeline.left({ tickMs: this.clock.tickMs, endMs });
  }

  /** Clock and decoder, to go on after a restart from the position that goes with it. */
  save(): string {
    return JSON.stringify({ clock: this.clock.save(), decoder: this.decoder.saveState() } satisfies SavedSource);
  }

  private take(): void {
    const { clock, context, pipeline } = this;
    if (this.state !== 'active') this.activate();
    // A line of several readings has at least a byte for each, so their positions stay below the next line's.
    context.position = this.linePosition + this.emitted++;
    if (this.isHeaderStale) this.noteHeader();
    const before = clock.tickMs;
    // Only what has windows can come too late for them: a TLS record is stamped with the start of a connection that may
    // have lasted for hours, and nothing is waiting for it.
    context.late = clock.observe(pipeline.row.timeMs, context.receivedMs) && HAS_WINDOWS[pipeline.row.eventClass] === 1;
    this.counters.events++;
    if (context.late) this.counters.late++;
    pipeline.append(this);
    if (clock.tickMs > before) pipeline.control(ControlKind.tick, this.id, clock.tickMs);
  }

  /** Rows are stored without the header that they were read with: it is kept beside them. */
  private noteHeader(): void {
    this.isHeaderStale = false;
    const { pipeline, context, noted } = this;
    if (!pipeline.options.headers) return;
    const state = this.decoder.saveState();
    if (state === '' || state === '{}') return;
    const { source, position } = context;
    const atMs = pipeline.options.now();
    const before = noted.get(source);
    if (before?.state === state && atMs - before.atMs < HEADER_RENEW_MS) return;
    noted.delete(source);
    noted.set(source, { state, atMs });
    if (noted.size > NOTED_SOURCES) noted.delete(noted.keys().next().value!);
    pipeline.header({ source, position, format: this.decoder.format, state });
  }

  private tickTo(timeMs: number): void {
    const before = this.clock.tickMs;
    this.clock.raise(timeMs);
    if (this.clock.tickMs > before) this.pipeline.control(ControlKind.tick, this.id, this.clock.tickMs);
  }
}
