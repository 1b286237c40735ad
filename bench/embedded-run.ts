import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Embedded } from '../cli/embedded.ts';
import { mergeSources } from '../ingest/merge.ts';
import type { IngestPipeline } from '../ingest/pipeline.ts';
import { defaultConfig } from './bare-stages.ts';
import { memorySource } from './load.ts';
import { pause } from './measure.ts';

/** Records that may wait between ingest and stage 1, as in `analyze`. */
const MAX_BACKLOG = 64;

/** Hands a whole program with the defaults, durable as `run` is, to `use`; its data goes away afterwards. */
export async function withEmbedded<T>(use: (instance: Embedded) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'vedette-bench-'));
  try {
    const instance = await Embedded.start({
      dataDir,
      config: defaultConfig(),
      fsync: 'group',
      onNotice: (level, message) => {
        if (level === 'error') throw new Error(message);
      },
    });
    try {
      return await use(instance);
    } finally {
      await instance.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Reads chunks to their end as fast as the pipeline takes them. */
export async function readAll(
  pipeline: IngestPipeline,
  chunks: readonly Uint8Array[],
  breathe: () => Promise<void>,
): Promise<void> {
  await mergeSources([{ source: memorySource(chunks), options: { mappings: [] } }], pipeline, breathe);
  pipeline.end();
  await pipeline.flush();
}

/** The same through every stage, until all effects are stored. */
export async function processAll(instance: Embedded, chunks: readonly Uint8Array[]): Promise<void> {
  const { pipeline } = instance;
  await readAll(pipeline, chunks, async () => {
    if (pipeline.isFull) await pipeline.flush();
    while (instance.backlog > MAX_BACKLOG) await Promise.race([pause(2), instance.failed]);
  });
  await instance.drain();
}
