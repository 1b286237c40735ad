import type { DeadLetter, DeadLetterFilter, DeadLetterStore } from './dead-letter.ts';
import type { CsvMapping, Decoder } from './decoder.ts';
import { chooseFormat, chooseFormatAgain, type FormatChoice } from './formats.ts';
import type { IngestPipeline } from './pipeline.ts';

const PAGE = 500;

export interface ReplayResult {
  readonly replayed: number;
  readonly events: number;
  /** Records that still could not be read, those kept only in part included. */
  readonly deadLetters: number;
}

/** Of these only the beginning was kept. */
const CUT_REASONS: ReadonlySet<string> = new Set(['too_long', 'truncated_input', 'decompression_limit']);

/**
 * Reads dead letters again, as sources of their own: each letter has its own source id, so that a replay which was cut
 * off and is begun again counts nothing twice. Letters that were replayed are passed over unless asked for by id; those
 * that still cannot be read stay as they are, for another time.
 */
export async function replayDeadLetters(
  services: {
    pipeline: IngestPipeline;
    store: DeadLetterStore;
    mappings: readonly CsvMapping[];
    /** Ends it between two pages, with the signal's reason: what was read is written down. */
    signal?: AbortSignal;
    onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  },
  filter: DeadLetterFilter & { readonly ids?: readonly number[] },
): Promise<ReplayResult> {
  const { pipeline, store } = services;
  const letters = (await lettersOf(store, filter)).sort((a, b) => a.id - b.id);
  const decoders = new Map<string, ReplayDecoder>();
  let events = 0;
  let failed = 0;
  for (let start = 0; start < letters.length; start += PAGE) {
    if (services.signal?.aborted) break;
    services.onProgress?.({ done: start, total: letters.length });
    const read: number[] = [];
    for (const letter of letters.slice(start, start + PAGE)) {
      const isWhole = letter.bytes.length === letter.sizeBytes && !CUT_REASONS.has(letter.reason);
      const made = isWhole ? replayOne(services, letter, decoders) : undefined;
      if (made === undefined) failed++;
      else {
        events += made;
        read.push(letter.id);
      }
    }
    // Written down page by page: what a crash leaves to be read again is within what the sink knows to be its own.
    await pipeline.flush();
    await store.markReplayed(read, pipeline.options.now());
  }
  for (const source of [...pipeline.sources.values()]) if (source.id.startsWith('replay/')) source.close();
  await pipeline.flush();
  services.signal?.throwIfAborted();
  return { replayed: letters.length, events, deadLetters: failed };
}

interface ReplayDecoder extends FormatChoice {
  readonly decoder: Decoder;
}

/** Events that a letter gave; undefined where it still cannot be read. */
function replayOne(
  { pipeline, mappings }: { pipeline: IngestPipeline; mappings: readonly CsvMapping[] },
  letter: DeadLetter,
  decoders: Map<string, ReplayDecoder>,
): number | undefined {
  let chosen = decoders.get(letter.source);
  if (!chosen || letter.decoderState !== undefined) {
    const path = letter.source.replace(/#[^#]*$/, '');
    // A mapping is found by the path, whatever the letter's format says.
    const again = chooseFormatAgain(letter.format, mappings);
    const isKnown = letter.decoderState !== undefined && again.format.name === letter.format;
    const choice = isKnown ? again : chooseFormat(letter.bytes, { path, mappings });
    const { format, mapping } = choice;
    const decoder = format.createDecoder({ fileName: path, ...(mapping ? { mapping } : {}) });
    if (letter.decoderState !== undefined) decoder.restoreState(letter.decoderState);
    chosen = { ...choice, decoder };
    // One for all letters of a source: the first of them may be the header of the rest.
    decoders.set(letter.source, chosen);
  }
  const { format, mapping, decoder } = chosen;
  const id = `replay/${mapping?.name ?? format.name}#0`;
  const source =
    pipeline.sources.get(id) ??
    pipeline.openSource({ id, decoder, disorderMs: mapping?.disorderMs ?? format.disorderMs, holdsTime: false });
  source.refused = 'count';
  source.decodeWith(decoder);
  source.storedAs(id.replace('#0', `#${letter.id}`));
  const before = { ...source.counters };
  source.write(letter.bytes, 0, letter.bytes.length, 0, pipeline.options.now());
  return source.counters.deadLetters > before.deadLetters ? undefined : source.counters.events - before.events;
}

async function lettersOf(
  store: DeadLetterStore,
  filter: DeadLetterFilter & { readonly ids?: readonly number[] },
): Promise<DeadLetter[]> {
  if (filter.ids) {
    const found = await Promise.all(filter.ids.map((id) => store.get(id)));
    return found.filter((letter) => letter !== undefined);
  }
  const letters: DeadLetter[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(
      { ...filter, pending: true },
      { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
    );
    letters.push(...page.letters);
    cursor = page.next;
  } while (cursor !== undefined);
  return letters;
}
