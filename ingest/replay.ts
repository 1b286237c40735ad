import type { DeadLetter, DeadLetterFilter, DeadLetterStore } from './dead-letter.ts';
import type { CsvMapping } from './decoder.ts';
import { chooseFormat } from './formats.ts';
import type { IngestPipeline } from './pipeline.ts';

const PAGE = 500;

export interface ReplayResult {
  readonly replayed: number;
  readonly events: number;
  /** Records that still could not be read, those kept only in part included. */
  readonly deadLetters: number;
}

/**
 * Reads dead letters again, as sources of their own: each letter has its own source id, so that a replay which was cut
 * off and is begun again counts nothing twice. Letters that were replayed are passed over unless asked for by id.
 */
export async function replayDeadLetters(
  services: { pipeline: IngestPipeline; store: DeadLetterStore; mappings: readonly CsvMapping[] },
  filter: DeadLetterFilter & { readonly ids?: readonly number[] },
): Promise<ReplayResult> {
  const { pipeline, store } = services;
  const letters = (await lettersOf(store, filter)).sort((a, b) => a.id - b.id);
  let events = 0;
  let failed = 0;
  for (const letter of letters) {
    if (letter.bytes.length < letter.sizeBytes) {
      failed++;
      continue;
    }
    const counters = replayOne(services, letter);
    events += counters.events;
    failed += counters.deadLetters;
    if (pipeline.isFull) await pipeline.flush();
  }
  for (const source of [...pipeline.sources.values()]) if (source.id.startsWith('replay/')) source.close();
  await pipeline.flush();
  await store.markReplayed(
    letters.filter((letter) => letter.bytes.length === letter.sizeBytes).map(({ id }) => id),
    pipeline.options.now(),
  );
  return { replayed: letters.length, events, deadLetters: failed };
}

function replayOne(
  { pipeline, mappings }: { pipeline: IngestPipeline; mappings: readonly CsvMapping[] },
  letter: DeadLetter,
): { events: number; deadLetters: number } {
  const { format, mapping } = chooseFormat(letter.bytes, { path: letter.source, mappings });
  const id = `replay/${mapping?.name ?? format.name}#0`;
  const decoder = format.createDecoder({ fileName: letter.source, ...(mapping ? { mapping } : {}) });
  const source =
    pipeline.sources.get(id) ??
    pipeline.openSource({ id, decoder, disorderMs: mapping?.disorderMs ?? format.disorderMs, holdsTime: false });
  source.decodeWith(decoder);
  source.storedAs(id.replace('#0', `#${letter.id}`));
  const before = { ...source.counters };
  source.write(letter.bytes, 0, letter.bytes.length, 0, pipeline.options.now());
  return {
    events: source.counters.events - before.events,
    deadLetters: source.counters.deadLetters - before.deadLetters,
  };
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
