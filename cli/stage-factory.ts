import type { Episode } from '../alerts/alert.ts';
import { episodesSchema } from '../alerts/episode-config.ts';
import type { Config } from '../config/schema.ts';
import type { CheckpointStore } from '../featurestore/checkpoint-store.ts';
import type { EventLog } from '../log/event-log.ts';
import { NetworkSet } from '../model/address.ts';
import { configureDetectors } from '../stream/detector-registry.ts';
import { hostGroups } from '../stream/host-groups.ts';
import { OneAtATime } from '../stream/one-at-a-time.ts';
import { Runner, type StreamPoint } from '../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC, Stage1Worker, Stage2Worker } from '../stream/stage-workers.ts';
import { Stage1 } from '../stream/stage1.ts';
import { Stage2 } from '../stream/stage2.ts';

export interface StageServices {
  readonly config: Config;
  readonly log: EventLog;
  readonly checkpoints: CheckpointStore;
  readonly onWarning: (message: string) => void;
  /** For fault tests. */
  readonly at?: (point: StreamPoint) => void;
}

export interface Stage1Runner {
  readonly worker: Stage1Worker;
  readonly runner: Runner;
}

export interface Stage2Runner {
  readonly worker: Stage2Worker;
  readonly runner: Runner;
}

/** Key of a stage's checkpoints. */
export function checkpointKey(stage: 1 | 2, partition: number): string {
  return `stage${stage}-${partition}`;
}

/** Stages of single partitions, as the configuration wants them, each with its runner; not yet restored. */
export class StageFactory {
  private readonly services: StageServices;
  private readonly detectors: ReturnType<typeof configureDetectors>;
  private readonly groupOf: ReturnType<typeof hostGroups>;
  private readonly oneAtATime = new OneAtATime();

  constructor(services: StageServices) {
    this.services = services;
    this.detectors = configureDetectors(services.config.detectors);
    this.groupOf = hostGroups(groupNetworks(services.config));
  }

  stage1(partition: number): Stage1Runner {
    const { config, log } = this.services;
    const { host, reading, silence } = this.detectors;
    const state = new Stage1({
      partition,
      stage2Partitions: config.log.partitions,
      host,
      reading,
      silence,
      roster: new Set(config.devices.roster),
      groupOf: this.groupOf,
      limits: {
        maxHosts: this.share('maxHosts'),
        newHostsPerMinute: this.share('newHostsPerMinute'),
        maxPairs: this.share('maxPairs'),
      },
    });
    const worker = new Stage1Worker(log, state);
    return {
      worker,
      runner: this.runner(worker, { topic: EVENTS_TOPIC, name: checkpointKey(1, partition), partition }),
    };
  }

  /** @param publish resolves once the episodes are stored. */
  stage2(partition: number, publish: (episodes: readonly Episode[]) => Promise<void>): Stage2Runner {
    const { config, log } = this.services;
    const state = new Stage2({
      partition,
      stage1Partitions: config.log.partitions,
      target: this.detectors.target,
      groupOf: this.groupOf,
      episodes: episodesSchema.parse({ quietMs: quietMs(config) }),
      maxTargets: this.share('maxTargets'),
    });
    const worker = new Stage2Worker({ log, publish }, state);
    return {
      worker,
      runner: this.runner(worker, { topic: PARTIALS_TOPIC, name: checkpointKey(2, partition), partition }),
    };
  }

  /** A partition's part of a limit: entities are spread evenly, so memory does not grow with the number of partitions. */
  private share(limit: 'maxHosts' | 'newHostsPerMinute' | 'maxPairs' | 'maxTargets'): number {
    const { stream, log } = this.services.config;
    return Math.ceil(stream[limit] / log.partitions);
  }

  private runner(
    worker: Stage1Worker | Stage2Worker,
    place: { topic: string; name: string; partition: number },
  ): Runner {
    const { config, log, checkpoints, onWarning, at } = this.services;
    return new Runner(worker, {
      log,
      checkpoints,
      ...place,
      checkpointMs: config.stream.checkpointMs,
      batchBytes: 4 << 20,
      oneAtATime: this.oneAtATime,
      now: Date.now,
      onWarning,
      ...(at ? { at } : {}),
    });
  }
}

export function groupNetworks(config: Config): { name: string; networks: NetworkSet }[] {
  return config.groups.map(({ name, networks }) => ({ name, networks: new NetworkSet(networks) }));
}

function quietMs(config: Config): Record<Episode['family'], number> {
  const minutes = config.alerts.quietMinutes;
  return {
    'denial-of-service': Math.round(minutes['denial-of-service'] * 60_000),
    'data-loss': Math.round(minutes['data-loss'] * 60_000),
    'data-corruption': Math.round(minutes['data-corruption'] * 60_000),
  };
}
