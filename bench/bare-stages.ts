import { episodesSchema } from '../alerts/episode-config.ts';
import type { Episode } from '../alerts/alert.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { DeadLetterStore } from '../ingest/dead-letter.ts';
import { IngestPipeline } from '../ingest/pipeline.ts';
import type { EventLog } from '../log/event-log.ts';
import { NetworkSet } from '../model/address.ts';
import { EventBlock } from '../model/event-block.ts';
import { configureDetectors } from '../stream/detector-registry.ts';
import { readPartials } from '../stream/partials.ts';
import { Stage1 } from '../stream/stage1.ts';
import { Stage2 } from '../stream/stage2.ts';

/** The defaults, but for the limits that a benchmark sets. */
export function defaultConfig(stream: Partial<Config['stream']> = {}): Config {
  return parseConfig({ stream });
}

/** Both stages of one partition, with every detector on, and nothing around them. */
export function createStages(config: Config): { stage1: Stage1; stage2: Stage2 } {
  const detectors = configureDetectors(config.detectors);
  const groupOf = (): string => '';
  const stage1 = new Stage1({
    partition: 0,
    stage2Partitions: 1,
    host: detectors.host,
    reading: detectors.reading,
    silence: detectors.silence,
    roster: new Set(),
    groupOf,
    limits: config.stream,
  });
  const stage2 = new Stage2({
    partition: 0,
    stage1Partitions: 1,
    target: detectors.target,
    groupOf,
    episodes: episodesSchema.parse({}),
    maxTargets: config.stream.maxTargets,
  });
  return { stage1, stage2 };
}

/** Takes blocks through both stages in memory; what they give is counted and dropped. */
export class BareStages {
  readonly episodes = new Map<string, Episode>();
  featureBytes = 0;
  private readonly stages: { stage1: Stage1; stage2: Stage2 };
  private offset = 0;

  constructor(config: Config) {
    this.stages = createStages(config);
  }

  take(block: Uint8Array): void {
    const { stage1, stage2 } = this.stages;
    for (const { partials, features } of stage1.process(new EventBlock(block), this.offset++)) {
      this.count(features);
      for (const record of partials) {
        if (!record) continue;
        const output = stage2.process(readPartials(record));
        this.count(output.features);
        for (const episode of output.episodes) this.episodes.set(episode.uid, episode);
      }
    }
  }

  private count(features: readonly { readonly records: readonly Uint8Array[] }[]): void {
    for (const { records } of features) for (const record of records) this.featureBytes += record.length;
  }
}

/** Ingest without a log: `onBlock` gets each block as it would be appended. */
export function createBareIngest(config: Config, onBlock: (block: Uint8Array) => void): IngestPipeline {
  const log: Pick<EventLog, 'partitions' | 'append'> = {
    partitions: () => 1,
    append: (_topic, _partition, records) => {
      records.forEach(onBlock);
      return Promise.resolve(0);
    },
  };
  const deadLetters: Pick<DeadLetterStore, 'put'> = {
    put: (letters) =>
      Promise.reject(new Error(`the load has records that cannot be read: ${letters[0]?.reason ?? ''}`)),
  };
  return new IngestPipeline({
    log: log as EventLog,
    deadLetters: deadLetters as DeadLetterStore,
    internal: new NetworkSet(config.internal),
    groups: [],
    site: config.site,
    blockRows: config.stream.blockRows,
    idleMs: config.sources.idleMs,
    now: Date.now,
  });
}
