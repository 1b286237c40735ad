import type { CsvMapping } from '../ingest/decoder.ts';
import type { IngestPipeline } from '../ingest/pipeline.ts';
import { SourceReader } from '../ingest/source-reader.ts';
import type { ByteSource } from '../ingest/sources/chunk.ts';

/** Reads one source to its end as it comes, each chunk durable before the next is asked for. */
export async function feedStream(
  source: ByteSource,
  pipeline: IngestPipeline,
  mappings: readonly CsvMapping[],
): Promise<void> {
  const reader = new SourceReader({ pipeline, mappings, holdsTime: false });
  for (let chunk = await source.next(); chunk; chunk = await source.next()) {
    reader.push(chunk);
    await pipeline.flush();
  }
  reader.ingest?.close();
  await pipeline.flush();
  await source.close();
}
