import type { Episode } from '../alerts/alert.ts';
import type { EventLog, LogEntry } from '../log/event-log.ts';
import { asError } from '../model/errors.ts';
import { EventBlock } from '../model/event-block.ts';
import type { FeatureRecords } from './feature-writer.ts';
import { readPartials } from './partials.ts';
import type { Stage } from './runner.ts';
import type { Stage1, Stage1Output } from './stage1.ts';
import type { Stage2 } from './stage2.ts';

export const EVENTS_TOPIC = 'events';
export const PARTIALS_TOPIC = 'partials';

/** Effects that may be under way before a worker waits for them, records. */
const MAX_IN_FLIGHT = 64;

/** Writes of effects under way. The first failure is kept, so that no checkpoint passes it. */
class Effects {
  private readonly pending = new Set<Promise<void>>();
  private failure: Error | undefined;

  add(effect: Promise<unknown>): void {
    const tracked: Promise<void> = effect
      .then(
        () => undefined,
        (error: unknown) => {
          this.failure ??= asError(error);
        },
      )
      .finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }

  async settled(): Promise<void> {
    await Promise.all(this.pending);
    if (this.failure) throw this.failure;
  }

  /** Waits where too much is under way. */
  async room(): Promise<void> {
    if (this.pending.size >= MAX_IN_FLIGHT) await this.settled();
    if (this.failure) throw this.failure;
  }
}

function appendFeatures(log: EventLog, partition: number, features: readonly FeatureRecords[], effects: Effects): void {
  for (const { table, records } of features)
    if (records.length > 0) effects.add(log.append(table, partition % log.partitions(table), records));
}

/** Stage 1 with its effects: partials and findings to stage 2's topic, features to theirs. */
export class Stage1Worker implements Stage {
  readonly state: Stage1;
  private readonly log: EventLog;
  private readonly effects = new Effects();

  constructor(log: EventLog, state: Stage1) {
    this.log = log;
    this.state = state;
  }

  async handle(entry: LogEntry): Promise<void> {
    const steps = this.state.steps(new EventBlock(entry.data), entry.offset);
    for (let step = steps.next(); ; step = steps.next()) {
      this.send(step.value);
      await this.effects.room();
      if (step.done) return;
      // What was sent is on its way, and others have their turn, before the next step.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private send({ partials, features }: Stage1Output): void {
    partials.forEach((record, partition) => {
      if (record) this.effects.add(this.log.append(PARTIALS_TOPIC, partition, [record]));
    });
    appendFeatures(this.log, this.state.partition, features, this.effects);
  }

  settled(): Promise<void> {
    return this.effects.settled();
  }
}

/** Stage 2 with its effects: episodes to whoever publishes them, features to their topic. */
export class Stage2Worker implements Stage {
  readonly state: Stage2;
  private readonly log: EventLog;
  private readonly effects = new Effects();
  private readonly publish: (episodes: readonly Episode[]) => Promise<void>;

  /** @param services.publish resolves once the episodes are stored; is given them again after a crash. */
  constructor(services: { log: EventLog; publish: (episodes: readonly Episode[]) => Promise<void> }, state: Stage2) {
    this.log = services.log;
    this.publish = services.publish;
    this.state = state;
  }

  async handle(entry: LogEntry): Promise<void> {
    const { episodes, features } = this.state.process(readPartials(entry.data));
    appendFeatures(this.log, this.state.partition, features, this.effects);
    // In order: a later revision must not overtake an earlier one on its way to whoever is told.
    if (episodes.length > 0) await this.publish(episodes);
    await this.effects.room();
  }

  settled(): Promise<void> {
    return this.effects.settled();
  }
}
