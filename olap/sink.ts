import { setMaxListeners } from 'node:events';
import { VedetteError } from '../model/errors.ts';
import type { SinkDependencies, SinkLimits, SinkRoute } from './sink-options.ts';
import { SinkPartition } from './sink-partition.ts';

export interface SinkConfig {
  readonly routes: readonly SinkRoute[];
  readonly limits?: Partial<SinkLimits>;
  /** Partitions of a topic that are this sink's; undefined: all. */
  readonly partitionsOf?: (topic: string) => readonly number[];
}

const DEFAULT_LIMITS: SinkLimits = {
  maxBytes: 64e6,
  maxRows: 200_000,
  flushMs: 2000,
  eagerBytes: 8e6,
  maxSources: 4096,
  retryMs: { first: 100, max: 10_000 },
};

/** A partition's worker and who waits for it. */
interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly worker: SinkPartition;
  waiters: { readonly offset: number; readonly resolve: () => void }[];
}

/**
 * Stores topics of the log in ClickHouse, exactly once, one insert in flight a partition. While ClickHouse is away it
 * holds one batch a partition and reads no further.
 */
export class Sink {
  readonly #lanes: readonly Lane[];
  readonly #deps: SinkDependencies;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #draining = 0;

  constructor(config: SinkConfig, deps: SinkDependencies) {
    const limits = { ...DEFAULT_LIMITS, ...config.limits };
    this.#deps = deps;
    // Each lane waits on it, and Node warns of more than ten.
    setMaxListeners(0, this.#abort.signal);
    const allOf = (topic: string): number[] => Array.from({ length: deps.log.partitions(topic) }, (_, i) => i);
    const partitionsOf = config.partitionsOf ?? allOf;
    this.#lanes = config.routes.flatMap((route) =>
      partitionsOf(route.topic).map((partition) => ({
        topic: route.topic,
        partition,
        worker: new SinkPartition(route, partition, limits, deps),
        waiters: [],
      })),
    );
  }

  /** Begins to move records. {@link run}'s promise tells of a bug; outages are waited out. */
  start(): void {
    this.#running ??= this.run();
    this.#running.catch(() => undefined);
  }

  /** Resolves when stopped; rejects where a partition met an error that waiting can't mend. */
  run(): Promise<void> {
    this.#running ??= Promise.all(this.#lanes.map((lane) => this.#move(lane))).then(() => undefined);
    return this.#running;
  }

  /** Rows of all records below this offset are stored. */
  acknowledged(topic: string, partition: number): number {
    return this.#lane(topic, partition).worker.acknowledged;
  }

  /** Resolves once the rows of all records below `offset` are stored. */
  async stored(topic: string, partition: number, offset: number): Promise<void> {
    const lane = this.#lane(topic, partition);
    if (lane.worker.acknowledged >= offset) return;
    const waited = new Promise<void>((resolve) => lane.waiters.push({ offset, resolve }));
    await Promise.race([waited, this.run()]);
    if (lane.worker.acknowledged < offset) {
      throw new VedetteError('OLAP_UNAVAILABLE', `the sink was stopped before ${topic}/${partition} reached ${offset}`);
    }
  }

  /** Resolves once all that is in the log now is stored; little data doesn't wait for more meanwhile. */
  async drain(): Promise<void> {
    this.#draining++;
    this.#setEager();
    try {
      await Promise.all(
        this.#lanes.map(({ topic, partition }) =>
          this.stored(topic, partition, this.#deps.log.bounds(topic, partition).end),
        ),
      );
    } finally {
      this.#draining--;
      this.#setEager();
    }
  }

  /** Stops after the inserts in flight; what was begun is done again at the next start. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled([this.#running]);
  }

  async #move(lane: Lane): Promise<void> {
    const { signal } = this.#abort;
    const { worker, topic, partition } = lane;
    try {
      await worker.recover(signal);
      this.#tell(lane);
      while (!signal.aborted) {
        if (await worker.step(signal)) {
          this.#tell(lane);
          continue;
        }
        await worker.settle();
        if (!signal.aborted) await this.#deps.log.wait(topic, partition, worker.acknowledged, signal);
      }
      await worker.settle();
    } catch (error) {
      if (!signal.aborted) {
        // The other partitions can't end well without this one: whoever runs the sink starts it again.
        this.#abort.abort();
        throw error;
      }
    }
  }

  #setEager(): void {
    for (const { worker } of this.#lanes) worker.eager = this.#draining > 0;
  }

  #tell(lane: Lane): void {
    const reached = lane.worker.acknowledged;
    const due = lane.waiters.filter(({ offset }) => offset <= reached);
    lane.waiters = lane.waiters.filter(({ offset }) => offset > reached);
    for (const { resolve } of due) resolve();
  }

  #lane(topic: string, partition: number): Lane {
    const lane = this.#lanes.find((candidate) => candidate.topic === topic && candidate.partition === partition);
    if (lane === undefined) throw new VedetteError('NOT_FOUND', `the sink has no partition ${topic}/${partition}`);
    return lane;
  }
}
