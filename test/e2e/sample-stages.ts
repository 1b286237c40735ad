/** The sample of one seed through ingest and both stages, in memory of one process; no ClickHouse. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Episode } from '../../alerts/alert.ts';
import { episodesSchema } from '../../alerts/episode-config.ts';
import { openIngestStores } from '../../ingest/lmdb/index.ts';
import { mergeSources } from '../../ingest/merge.ts';
import { EVENTS_TOPIC, IngestPipeline } from '../../ingest/pipeline.ts';
import type { ByteSource } from '../../ingest/sources/chunk.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet } from '../../model/address.ts';
import { EventBlock } from '../../model/event-block.ts';
import { generateSample } from '../../sample/generate-sample.ts';
import { PLANT_DEVICES } from '../../sample/plant-devices.ts';
import { configureDetectors } from '../../stream/detector-registry.ts';
import { readPartials } from '../../stream/partials.ts';
import { Stage1 } from '../../stream/stage1.ts';
import { Stage2 } from '../../stream/stage2.ts';

/** Every episode of the day, each in its last state. */
export async function sampleEpisodes(seed: number, endMs: number): Promise<Episode[]> {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-sample-'));
  const log = await openSegmentLog({
    dir: join(dir, 'log'),
    topics: [{ name: EVENTS_TOPIC, partitions: 1 }],
    maxBytes: 1 << 30,
    segmentBytes: 1 << 26,
    fsync: 'never',
  });
  const stores = await openIngestStores({ dir: join(dir, 'ingest'), maxLetterBytes: 1 << 20 });
  const pipeline = new IngestPipeline({
    log,
    deadLetters: stores.deadLetters,
    internal: new NetworkSet(DEFAULT_INTERNAL_NETWORKS),
    groups: [],
    site: '',
    blockRows: 8192,
    idleMs: 30_000,
    now: () => endMs,
  });
  const detectors = configureDetectors({});
  const stage1 = new Stage1({
    partition: 0,
    stage2Partitions: 1,
    ...detectors,
    roster: new Set(PLANT_DEVICES.map(({ name }) => name)),
    groupOf: () => '',
    limits: { maxHosts: 1e6, newHostsPerMinute: 1e6, maxPairs: 2e6 },
  });
  const stage2 = new Stage2({
    partition: 0,
    stage1Partitions: 1,
    target: detectors.target,
    groupOf: () => '',
    episodes: episodesSchema.parse({}),
    maxTargets: 1e6,
  });
  const episodes = new Map<string, Episode>();
  let next = 0;
  const work = async (): Promise<void> => {
    await pipeline.flush();
    for (const { offset, data } of await log.read(EVENTS_TOPIC, 0, next, { maxBytes: 1 << 30 })) {
      next = offset + 1;
      for (const partials of stage1.process(new EventBlock(data), offset).flatMap((output) => output.partials))
        if (partials) for (const episode of stage2.process(readPartials(partials)).episodes) episodes.set(episode.uid, episode);
    }
  }; // prettier-ignore
  try {
    const sample = generateSample({ seed, endMs });
    await mergeSources(
      sample.sources.map(({ name, format, lines }) => ({
        source: fromLines(`sample/${name}`, `sample/${name}#${seed}`, lines),
        options: { mappings: [], format },
      })),
      pipeline,
      async () => {
        if (pipeline.isFull) await work();
      },
    );
    await work();
  } finally {
    await log.close();
    await stores.close();
    await rm(dir, { recursive: true });
  }
  if (Object.keys(pipeline.counters.deadLetters).length > 0) throw new Error('the sample holds what cannot be read');
  return [...episodes.values()];
}

function fromLines(path: string, incarnation: string, chunks: Iterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.iterator]();
  let position = 0;
  let isOver = false;
  return {
    next: async () => {
      if (isOver) return undefined;
      const result = iterator.next();
      isOver = result.done === true;
      const bytes = result.done === true ? new Uint8Array(0) : result.value;
      position += bytes.length;
      return { bytes, position: position - bytes.length, incarnation, path, last: isOver };
    },
    close: async () => undefined,
  };
}
