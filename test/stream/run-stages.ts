import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Episode } from '../../alerts/alert.ts';
import { episodesSchema } from '../../alerts/episode-config.ts';
import { openIngestStores } from '../../ingest/lmdb/index.ts';
import { readingsNdjson } from '../../ingest/decoders/readings-ndjson.ts';
import { zeekJson } from '../../ingest/decoders/zeek-json.ts';
import { IngestPipeline, EVENTS_TOPIC } from '../../ingest/pipeline.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet } from '../../model/address.ts';
import { EventBlock } from '../../model/event-block.ts';
import { COLUMN_INDEX } from '../../model/event-columns.ts';
import { configureDetectors } from '../../stream/detector-registry.ts';
import type { FeatureRecords } from '../../stream/feature-writer.ts';
import { readPartials } from '../../stream/partials.ts';
import { digestOf, restoreSnapshot, takeSnapshot, type Snapshotable } from '../../stream/snapshot.ts';
import { Stage1 } from '../../stream/stage1.ts';
import { Stage2 } from '../../stream/stage2.ts';
import { nativeRows } from './native-rows.ts';
import { ROSTER, SITE_SOURCES, seededRandom, type SiteStep } from './site-records.ts';

const FORMATS = { 'zeek-json': zeekJson, 'readings-ndjson': readingsNdjson };

export interface Cut {
  readonly partitions: number;
  readonly blockRows: number;
  /** Chance that what was collected is flushed after a step. */
  readonly flushShare: number;
  readonly seed: number;
}

/** Blocks of each partition, as ingest writes them, cut as said. `isLate`: by record's number in `steps`. */
export interface IngestedSite {
  readonly blocks: readonly (readonly Uint8Array[])[];
  readonly isLate: ReadonlyMap<string, boolean>;
}

export async function ingestSite(steps: readonly SiteStep[], cut: Cut): Promise<IngestedSite> {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-stages-'));
  const log = await openSegmentLog({
    dir: join(dir, 'log'),
    topics: [{ name: EVENTS_TOPIC, partitions: cut.partitions }],
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
    blockRows: cut.blockRows,
    idleMs: 30_000,
    now: () => Date.UTC(2030, 0),
  });
  const random = seededRandom(cut.seed);
  const sources = SITE_SOURCES.map(({ id, format, disorderMs }) =>
    pipeline.openSource({ id, decoder: FORMATS[format].createDecoder({}), disorderMs, holdsTime: true }),
  );
  const positions = SITE_SOURCES.map(() => 0);
  for (const step of steps) {
    const source = sources[step.source]!;
    if (step.action === 'record') {
      const line = Buffer.from(step.line);
      source.write(line, 0, line.length, positions[step.source]!++, Date.UTC(2030, 0));
    } else source[step.action]();
    if (random() < cut.flushShare) await pipeline.flush();
  }
  pipeline.end();
  await pipeline.flush();
  if (Object.keys(pipeline.counters.deadLetters).length > 0) throw new Error('the site writes what cannot be read');
  const blocks: Uint8Array[][] = [];
  for (let partition = 0; partition < cut.partitions; partition++) {
    const entries: Uint8Array[] = [];
    for (let next = 0; next < log.bounds(EVENTS_TOPIC, partition).end; next = entries.length)
      for (const { data } of await log.read(EVENTS_TOPIC, partition, next, { maxBytes: 1 << 20 }))
        entries.push(data.slice());
    blocks.push(entries);
  }
  await log.close();
  await stores.close();
  await rm(dir, { recursive: true });
  return { blocks, isLate: lateRecords(blocks.flat()) };
}

function lateRecords(blocks: readonly Uint8Array[]): Map<string, boolean> {
  const late = new Map<string, boolean>();
  for (const data of blocks) {
    const block = new EventBlock(data);
    const source = block.dict(COLUMN_INDEX._src);
    const position = block.words(COLUMN_INDEX._pos, 2);
    const flags = block.u8(COLUMN_INDEX.late);
    for (let row = 0; row < block.rows; row++)
      late.set(`${source!.values[source!.index[row]!]!} ${position![row * 2]!}`, flags?.[row] === 1);
  }
  return late;
}

/** What can go wrong on the way of a record through the stages; chances a record. */
export interface Mishaps {
  readonly seed: number;
  /** The record comes twice, at two offsets. */
  readonly duplicateShare: number;
  /** The worker is killed some records after a checkpoint, and goes on from it. */
  readonly crashShare: number;
}

export const NO_MISHAPS: Mishaps = { seed: 1, duplicateShare: 0, crashShare: 0 };

export interface StagesResult {
  /** Last revision of each episode, by uid. */
  readonly episodes: Readonly<Record<string, Episode>>;
  /** By table, entity and window. */
  readonly features: Readonly<Record<string, Record<string, number | string>>>;
  readonly digest: Readonly<Record<string, string>>;
  readonly stage1: readonly Stage1[];
  readonly stage2: readonly Stage2[];
  readonly restores: number;
}

/** Few hosts a step, so that there are steps. */
const limits = { maxHosts: 1e6, newHostsPerMinute: 1e6, maxPairs: 1e6, hostsAStep: 2 };

export function createStage1(partition: number, partitions: number): Stage1 {
  const detectors = configureDetectors({});
  return new Stage1({
    partition,
    stage2Partitions: partitions,
    ...detectors,
    roster: ROSTER,
    groupOf: () => '',
    limits,
  });
}

export function createStage2(partition: number, partitions: number): Stage2 {
  return new Stage2({
    partition,
    stage1Partitions: partitions,
    target: configureDetectors({}).target,
    groupOf: () => '',
    episodes: episodesSchema.parse({}),
    maxTargets: 1e6,
  });
}

/** Takes a checkpoint of a stage, lets it go on with `further` while that is written, and restores it into `fresh`. */
export async function checkpointed<S extends Snapshotable>(
  stage: S,
  fresh: S,
  further: (stage: S) => void,
): Promise<S> {
  const snapshot = takeSnapshot(stage);
  const parts: { name: string; bytes: Uint8Array }[] = [];
  const iterator = snapshot.parts[Symbol.iterator]();
  const drain = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const next = iterator.next();
      if (next.done === true) return;
      parts.push({ name: next.value.name, bytes: next.value.bytes().slice() });
    }
  };
  drain(3);
  further(stage);
  drain(Infinity);
  snapshot.release();
  const dropped = await restoreSnapshot(fresh, snapshot.meta, (async function* () {
    yield* parts;
  })()); // prettier-ignore
  if (dropped.length > 0) throw new Error(`dropped ${dropped.join(', ')}`);
  return fresh;
}

/** Runs blocks through both stages, partitions interleaved by chance, with the mishaps given. */
export async function runStages(blocks: IngestedSite['blocks'], mishaps: Mishaps): Promise<StagesResult> {
  const partitions = blocks.length;
  const random = seededRandom(mishaps.seed);
  const all = [...blocks.keys()];
  const stage1 = all.map((partition) => createStage1(partition, partitions));
  const stage2 = all.map((partition) => createStage2(partition, partitions));
  const queues = all.map(() => [] as Uint8Array[]);
  const episodes: Record<string, Episode> = {};
  const features: Record<string, Record<string, number | string>> = {};
  let restores = 0;

  const keep = (records: readonly FeatureRecords[]): void => {
    for (const { table, records: blocksOfTable } of records)
      for (const row of blocksOfTable.flatMap(nativeRows)) {
        const key = `${table} ${row['host'] ?? row['target'] ?? `${row['device']} ${row['metric']}`} ${row['time']}`;
        const before = features[key];
        if (before && JSON.stringify(before) !== JSON.stringify(row)) throw new Error(`${key} was written otherwise`);
        features[key] = row;
      }
  };
  const inputs = blocks.map((records) =>
    records.flatMap((record) => (random() < mishaps.duplicateShare ? [record, record] : [record])),
  );
  const takeBlock = (stage: Stage1, offset: number): void => {
    for (const output of stage.process(new EventBlock(inputs[stage.partition]![offset]!), offset)) {
      output.partials.forEach((record, to) => record && queues[to]!.push(record));
      keep(output.features);
    }
  };
  const takePartials = (stage: Stage2, offset: number): void => {
    const output = stage.process(readPartials(queues[stage.partition]![offset]!));
    for (const episode of output.episodes) {
      const before = episodes[episode.uid];
      if (!before || episode.revision >= before.revision) episodes[episode.uid] = episode;
    }
    keep(output.features);
  };

  const next1 = all.map(() => 0);
  const next2 = all.map(() => 0);
  for (;;) {
    const ready = [
      ...all.filter((p) => next1[p]! < inputs[p]!.length).map((p) => [1, p] as const),
      ...all.filter((p) => next2[p]! < queues[p]!.length).map((p) => [2, p] as const),
    ];
    const chosen = ready[Math.floor(random() * ready.length)];
    if (!chosen) break;
    const [stage, p] = chosen;
    const crashes = random() < mishaps.crashShare;
    if (stage === 1) {
      if (crashes) {
        // What follows the checkpoint is done, and written, and then done again.
        const until = Math.min(inputs[p]!.length, next1[p]! + Math.floor(random() * 4));
        stage1[p] = await checkpointed(stage1[p]!, createStage1(p, partitions), (live) => {
          for (let offset = next1[p]!; offset < until; offset++) takeBlock(live, offset);
        });
        restores++;
      }
      takeBlock(stage1[p]!, next1[p]!++);
    } else {
      if (crashes) {
        const until = Math.min(queues[p]!.length, next2[p]! + Math.floor(random() * 4));
        stage2[p] = await checkpointed(stage2[p]!, createStage2(p, partitions), (live) => {
          for (let offset = next2[p]!; offset < until; offset++) takePartials(live, offset);
        });
        restores++;
      }
      takePartials(stage2[p]!, next2[p]!++);
    }
  }
  return { episodes, features, digest: { ...digestOf(stage1), ...digestOf(stage2) }, stage1, stage2, restores };
}
