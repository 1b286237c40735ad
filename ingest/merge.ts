import type { IngestPipeline } from './pipeline.ts';
import { SourceReader, type SourceReaderOptions } from './source-reader.ts';
import type { ByteSource, Chunk } from './sources/chunk.ts';

/** Bytes of one source taken before the others get their turn: small, so that few panes are open at a time. */
const SLICE_BYTES = 32_768;

export interface MergeProgress {
  readonly readBytes: number;
}

interface Input {
  readonly source: ByteSource;
  readonly reader: SourceReader;
  chunk: Chunk | undefined;
  taken: number;
}

/**
 * Reads several sources to their ends as if they were written at the same time: always the one whose newest record is
 * the oldest. `breathe` is awaited between slices; it may wait until the rest of the pipeline keeps up.
 */
export async function mergeSources(
  sources: readonly {
    readonly source: ByteSource;
    readonly options: Omit<SourceReaderOptions, 'pipeline' | 'holdsTime'>;
  }[],
  pipeline: IngestPipeline,
  breathe: (progress: MergeProgress) => Promise<void>,
): Promise<void> {
  const inputs: Input[] = [];
  for (const { source, options } of sources) {
    const reader = new SourceReader({ ...options, pipeline, holdsTime: true });
    const chunk = await source.next();
    // Every source holds time from the start, before any of them has moved it.
    if (chunk) reader.prepare(chunk);
    inputs.push({ source, reader, chunk, taken: 0 });
  }
  let readBytes = 0;
  while (inputs.length > 0) {
    const input = oldest(inputs);
    readBytes += await takeSlice(input);
    if (!input.chunk) {
      input.reader.ingest?.close();
      await input.source.close();
      inputs.splice(inputs.indexOf(input), 1);
    }
    await breathe({ readBytes });
  }
}

function oldest(inputs: readonly Input[]): Input {
  return inputs.reduce((a, b) => (newest(b) < newest(a) ? b : a));
}

function newest({ reader }: Input): number {
  return reader.ingest?.clock.newestMs ?? -Infinity;
}

/** Pushes the next slice and fetches the chunk after it; gives the bytes pushed. */
async function takeSlice(input: Input): Promise<number> {
  const { chunk, taken } = input;
  if (!chunk) return 0;
  const bytes = chunk.bytes.subarray(taken, taken + SLICE_BYTES);
  const isWhole = taken + bytes.length >= chunk.bytes.length;
  input.reader.push({
    bytes,
    position: chunk.position + taken,
    incarnation: chunk.incarnation,
    path: chunk.path,
    last: isWhole && chunk.last,
    ...(isWhole && chunk.problem ? { problem: chunk.problem } : {}),
  });
  input.taken += bytes.length;
  if (isWhole) {
    input.chunk = await input.source.next();
    input.taken = 0;
  }
  return bytes.length;
}
