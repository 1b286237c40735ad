import type { CsvMapping, Decoder } from '../../ingest/decoder.ts';
import { chooseFormat, chooseFormatAgain, type FormatChoice } from '../../ingest/formats.ts';
import type { HeaderStore, StoredHeader } from '../../ingest/header-store.ts';
import type { IngestSource } from '../../ingest/ingest-source.ts';
import type { IngestPipeline } from '../../ingest/pipeline.ts';
import { sourceName, type RawRow, type RawSource } from '../../olap/raw-rows.ts';

/** How often sources are looked at for being idle, ms of the rows' own receive time. */
const IDLE_CHECK_MS = 1000;
/** Names of sources that say which format they carry, whatever their lines look like: `http/zeek-json`, `pulsar/raw-zeek-0/zeek-tsv`. */
const NAMED_BY_FORMAT = /^(?:http|replay|pulsar\/[^/]+)\/([^/]+)$/;
/** Of decoders by source and header; a source with more has an odd header in each line. */
const MAX_DECODERS = 1000;

export interface RawFeedOptions {
  readonly pipeline: IngestPipeline;
  readonly mappings: readonly CsvMapping[];
  readonly headers: Pick<HeaderStore, 'of'>;
  readonly sources: readonly RawSource[];
  /** In the order of their arrival. */
  readonly rows: AsyncIterable<readonly RawRow[]>;
  /** The wall clock stands at what is read: called with the receive time of each row before that is written. */
  readonly setNow: (nowMs: number) => void;
  /** Awaited after each block; may wait until the rest of the pipeline keeps up. */
  readonly breathe: (rows: number) => Promise<void>;
}

interface FedSource {
  readonly ingest: IngestSource;
  left: number;
  /** What the last line was: the other events of a line come as rows of their own, and are made again by its decoder. */
  last: { source: string; position: number; raw: string };
  decoderKey: string;
  /** Its lines have no time but their number, which the middle of a file does not tell. */
  readonly isCounted: boolean;
}

/**
 * Gives stored lines to ingest again, as they came: in the order of their arrival, stamped with the time of it, under the
 * ids and positions that they have. Sources hold time from their first event to their last row; between, they are idle
 * when they were quiet for so long then. Resolves with the rows read, once all are given.
 */
export async function feedRawRows(options: RawFeedOptions): Promise<{ rows: number; lines: number }> {
  const feed = new RawFeed(options);
  await feed.open();
  for await (const rows of options.rows) {
    for (const row of rows) await feed.take(row);
    await options.breathe(feed.counts.rows);
  }
  feed.close();
  return feed.counts;
}

class RawFeed {
  readonly counts = { rows: 0, lines: 0 };
  private readonly options: RawFeedOptions;
  private readonly sources = new Map<string, FedSource>();
  private readonly decoders = new Map<string, Decoder>();
  private readonly headers = new Map<string, Promise<StoredHeader[]>>();
  private checkedMs = -Infinity;

  constructor(options: RawFeedOptions) {
    this.options = options;
  }

  /** Every source counts in time from its first event on, before any of them moves it. */
  async open(): Promise<void> {
    const { pipeline, sources, setNow } = this.options;
    setNow(0);
    for (const { name, rows, firstMs, first } of [...sources].sort((a, b) => a.firstMs - b.firstMs)) {
      const header = await this.headerOf(first.source, first.position);
      const choice = this.choose(name, Buffer.from(first.raw), header);
      const disorderMs = choice.mapping?.disorderMs ?? choice.format.disorderMs;
      const ingest = pipeline.openSource({
        id: `${name}#replay`,
        decoder: decoderOf(choice, name, header),
        disorderMs,
        holdsTime: false,
      });
      ingest.clock.raise(firstMs - disorderMs);
      ingest.activate();
      // Until its first row comes, which may be long: it is known when that will be.
      ingest.lastReceivedMs = Infinity;
      this.sources.set(name, {
        ingest,
        left: rows,
        last: { source: '', position: -1, raw: '' },
        decoderKey: '',
        isCounted: choice.mapping?.time === '',
      });
    }
  }

  async take(row: RawRow): Promise<void> {
    const { pipeline, setNow } = this.options;
    this.counts.rows++;
    const fed = this.sources.get(sourceName(row.source));
    // Came after the sources were listed.
    if (!fed) return;
    setNow(row.receivedMs);
    if (row.receivedMs - this.checkedMs >= IDLE_CHECK_MS) {
      this.checkedMs = row.receivedMs;
      pipeline.markIdle();
    }
    fed.left--;
    const { last, ingest } = fed;
    const isSameLine = row.source === last.source && row.position === last.position + 1 && row.raw === last.raw;
    if (row.source !== last.source) ingest.storedAs(row.source);
    fed.last = { source: row.source, position: row.position, raw: row.raw };
    if (!isSameLine) {
      this.counts.lines++;
      const bytes = Buffer.from(row.raw);
      await this.decodeWith(fed, row, bytes);
      if (fed.isCounted) ingest.refuse('missing_time', bytes, 0, bytes.length, row.position);
      else ingest.write(bytes, 0, bytes.length, row.position, row.receivedMs);
    }
    // Nothing will come of it any more, most likely: time need not wait for it.
    if (fed.left === 0) ingest.pause();
  }

  close(): void {
    for (const { ingest } of this.sources.values()) ingest.close();
  }

  /** Sees to it that the source's decoder is the one that this row was read with. */
  private async decodeWith(fed: FedSource, row: RawRow, bytes: Uint8Array): Promise<void> {
    const headers = await this.listOf(row.source);
    const header = latest(headers, row.position);
    const key = `${row.source}\n${header?.position ?? ''}`;
    if (key === fed.decoderKey) return;
    let decoder = this.decoders.get(key);
    if (!decoder) {
      const name = sourceName(row.source);
      decoder = decoderOf(this.choose(name, bytes, header), name, header);
      if (this.decoders.size >= MAX_DECODERS) this.decoders.clear();
      this.decoders.set(key, decoder);
    }
    fed.decoderKey = key;
    fed.ingest.decodeWith(decoder);
  }

  private choose(name: string, line: Uint8Array, header: StoredHeader | undefined): FormatChoice {
    const { mappings } = this.options;
    for (const named of [NAMED_BY_FORMAT.exec(name)?.[1], header?.format]) {
      if (named === undefined || named === 'unknown') continue;
      const choice = chooseFormatAgain(named, mappings);
      if (choice.format.name === named || choice.mapping) return choice;
    }
    return chooseFormat(line, { path: name, mappings });
  }

  private async headerOf(source: string, position: number): Promise<StoredHeader | undefined> {
    return latest(await this.listOf(source), position);
  }

  private listOf(source: string): Promise<StoredHeader[]> {
    let headers = this.headers.get(source);
    if (!headers) {
      if (this.headers.size >= MAX_DECODERS) this.headers.clear();
      headers = this.options.headers.of(source);
      this.headers.set(source, headers);
    }
    return headers;
  }
}

/** The header that the row at a position was read with. */
function latest(headers: readonly StoredHeader[], position: number): StoredHeader | undefined {
  return headers.findLast((header) => header.position <= position);
}

function decoderOf({ format, mapping }: FormatChoice, name: string, header: StoredHeader | undefined): Decoder {
  const decoder = format.createDecoder({ fileName: name, ...(mapping ? { mapping } : {}) });
  if (header && (header.format === format.name || mapping)) decoder.restoreState(innerState(header.state));
  return decoder;
}

/** A decoder that found out by its first lines what it reads keeps the state of that one inside its own. */
function innerState(state: string): string {
  const parsed = JSON.parse(state) as Record<string, unknown>;
  const isNested = typeof parsed['format'] === 'string' && typeof parsed['state'] === 'string';
  return isNested ? (parsed['state'] as string) : state;
}
