import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Episode } from '../../alerts/alert.ts';
import { episodesSchema } from '../../alerts/episode-config.ts';
import { allAlerts, analyze } from '../../cli/analyze-run.ts';
import { topics } from '../../cli/topics.ts';
import { csvMappings } from '../../config/csv-mappings.ts';
import { parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import type { DeadLetterStore } from '../../ingest/dead-letter.ts';
import { mergeSources } from '../../ingest/merge.ts';
import { IngestPipeline } from '../../ingest/pipeline.ts';
import { collectFiles } from '../../ingest/sources/collect-files.ts';
import { FileSetSource } from '../../ingest/sources/file-set-source.ts';
import { groupFiles } from '../../ingest/sources/file-set.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { NetworkSet } from '../../model/address.ts';
import { EventBlock } from '../../model/event-block.ts';
import { EventClass } from '../../model/event-columns.ts';
import { at64 } from '../../model/words.ts';
import { formatAddressWords } from '../../stream/address-text.ts';
import { configureDetectors } from '../../stream/detector-registry.ts';
import { viewColumns } from '../../stream/event-columns-view.ts';
import { COLD } from '../../stream/host-layout.ts';
import { readPartials } from '../../stream/partials.ts';
import { EVENTS_TOPIC } from '../../stream/stage-workers.ts';
import { Stage1 } from '../../stream/stage1.ts';
import { Stage2 } from '../../stream/stage2.ts';
import { PANE_MS } from '../../stream/time.ts';
import { MAPPINGS } from './mappings.ts';

/** An entity with the time from its first to its last record, ms. */
export interface Watched {
  readonly kind: 'host' | 'device';
  readonly entity: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface PipelineRun {
  /** Every episode in its final state, by start. */
  readonly episodes: readonly Episode[];
  readonly watched: readonly Watched[];
  readonly events: number;
  readonly late: number;
  readonly deadLetters: number;
}

/** The one configuration of all measurements: defaults, the networks of the recordings, how their CSV files are read. */
export function qualityConfig(roster: readonly string[] = []): Config {
  return parseConfig({
    internal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', '147.32.0.0/16'],
    sources: { csv: MAPPINGS },
    devices: { roster },
  });
}

/**
 * Reads logs through ingest, event log, both stages and episodes, as `analyze` does, but without ClickHouse, checkpoints
 * and the alert store, which change no result: hundreds of runs fit into minutes. `analyzeWhole` is what it is held
 * against.
 */
export async function runPipeline(
  paths: readonly string[],
  options: { readonly roster?: readonly string[] } = {},
): Promise<PipelineRun> {
  const config = qualityConfig(options.roster);
  const dir = await mkdtemp(join(tmpdir(), 'vedette-quality-'));
  const log = await openSegmentLog({
    dir,
    topics: topics(config),
    maxBytes: config.log.maxBytes,
    segmentBytes: config.log.segmentBytes,
    fsync: 'never',
  });
  try {
    let letters = 0;
    const deadLetters: Pick<DeadLetterStore, 'put'> = {
      put: async (dead) => {
        letters += dead.length;
      },
    };
    const pipeline = new IngestPipeline({
      log,
      deadLetters: deadLetters as DeadLetterStore,
      internal: new NetworkSet(config.internal),
      groups: [],
      site: '',
      blockRows: config.stream.blockRows,
      idleMs: config.sources.idleMs,
      now: Date.now,
    });
    const stages = new Stages(config);
    let offset = 0;
    const drain = async (): Promise<void> => {
      await pipeline.flush();
      while (offset < log.bounds(EVENTS_TOPIC, 0).end) {
        for (const entry of await log.read(EVENTS_TOPIC, 0, offset, { maxBytes: 4 << 20 })) {
          stages.take(entry.data, entry.offset);
          offset = entry.offset + 1;
        }
      }
    };
    const files = await collectFiles([...paths]);
    const mappings = csvMappings(config);
    await mergeSources(
      groupFiles(files.paths).map((spec) => ({ source: new FileSetSource(spec), options: { mappings } })),
      pipeline,
      async () => {
        if (pipeline.isFull) await drain();
      },
    );
    pipeline.end();
    await drain();
    const { events, late } = pipeline.counters;
    return { episodes: stages.episodes(), watched: stages.watched(), events, late, deadLetters: letters };
  } finally {
    await log.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The same through `analyze` itself, ClickHouse and alert store included. */
export async function analyzeWhole(paths: readonly string[]): Promise<readonly Episode[]> {
  return analyze({ paths, config: qualityConfig(), onNotice: () => undefined }, async (instance) =>
    (await allAlerts(instance)).map(({ episode }) => episode),
  );
}

/** Both stages of one partition, and what came out of them. */
class Stages {
  private readonly stage1: Stage1;
  private readonly stage2: Stage2;
  private readonly byUid = new Map<string, Episode>();
  private readonly devices = new Map<string, { firstMs: number; lastMs: number }>();

  constructor(config: Config) {
    const detectors = configureDetectors(config.detectors);
    this.stage1 = new Stage1({
      partition: 0,
      stage2Partitions: 1,
      host: detectors.host,
      reading: detectors.reading,
      silence: detectors.silence,
      roster: new Set(config.devices.roster),
      groupOf: () => '',
      limits: config.stream,
    });
    this.stage2 = new Stage2({
      partition: 0,
      stage1Partitions: 1,
      target: detectors.target,
      groupOf: () => '',
      episodes: episodesSchema.parse({}),
      maxTargets: config.stream.maxTargets,
    });
  }

  take(data: Uint8Array, offset: number): void {
    const block = new EventBlock(data);
    this.noteDevices(block);
    for (const record of this.stage1.process(block, offset).flatMap(({ partials }) => partials)) {
      if (!record) continue;
      for (const episode of this.stage2.process(readPartials(record)).episodes) this.byUid.set(episode.uid, episode);
    }
  }

  episodes(): Episode[] {
    return [...this.byUid.values()].sort((a, b) => a.sinceMs - b.sinceMs || (a.uid < b.uid ? -1 : 1));
  }

  watched(): Watched[] {
    const { cold } = this.stage1.traffic;
    const watched: Watched[] = [];
    for (let slot = 0; slot < cold.slotLimit; slot++) {
      if (!cold.isLive(slot)) continue;
      const entity = formatAddressWords(cold.keyWords(slot), cold.keyAt(slot));
      const firstMs = cold.wordOf(slot, COLD.firstSeen) * PANE_MS;
      watched.push({ kind: 'host', entity, firstMs, lastMs: cold.wordOf(slot, COLD.lastSeen) * PANE_MS });
    }
    for (const [entity, span] of this.devices) watched.push({ kind: 'device', entity, ...span });
    return watched;
  }

  private noteDevices(block: EventBlock): void {
    if (block.rows === 0) return;
    const { eventClass, device, time } = viewColumns(block);
    for (let row = 0; row < block.rows; row++) {
      if (eventClass[row] !== EventClass.reading) continue;
      const name = device.values[device.index[row]!]!;
      const timeMs = at64(time, row);
      const span = this.devices.get(name);
      if (!span) this.devices.set(name, { firstMs: timeMs, lastMs: timeMs });
      else {
        span.firstMs = Math.min(span.firstMs, timeMs);
        span.lastMs = Math.max(span.lastMs, timeMs);
      }
    }
  }
}
