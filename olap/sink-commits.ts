import type { EventLog, GroupPosition } from '../log/event-log.ts';
import { VedetteError } from '../model/errors.ts';
import { HighWater, type Intent, parseNote } from './high-water.ts';

export const SINK_GROUP = 'sink';

/**
 * Rows are sent only within so long of the moment at which the commit of their intent was begun, ms. Less than any
 * session of a member: who has not stood still for longer has not been taken for lost meanwhile.
 */
const FRESH_INTENT_MS = 2000;

export interface SinkCommitsOptions {
  readonly log: EventLog;
  readonly topic: string;
  readonly partition: number;
  readonly maxSources: number;
}

/** What is committed for a partition: the records that are about to be inserted, or that nothing is in flight. */
export class SinkCommits {
  readonly #options: SinkCommitsOptions;
  /** The last intent as it was committed. */
  #intended: GroupPosition | undefined;
  /** When its commit was begun, Unix ms: a clock that goes on while this process or its machine stands still. */
  #intendedMs = -Infinity;
  /** Where it is committed that nothing is in flight; −1: an intent was committed since, or nothing. */
  #settled = -1;

  constructor(options: SinkCommitsOptions) {
    this.#options = options;
  }

  /** Where to go on, and what is to be inserted again first. */
  async restore(): Promise<{ readonly next: number; readonly high: HighWater; readonly intent: Intent | undefined }> {
    const { log, topic, partition, maxSources } = this.#options;
    const committed = await log.committed(SINK_GROUP, topic, partition);
    if (committed === undefined) {
      this.#settled = log.bounds(topic, partition).earliest;
      return { next: this.#settled, high: new HighWater(maxSources), intent: undefined };
    }
    const { intent, high } = parseNote(committed.metadata, maxSources);
    if (intent === undefined) this.#settled = committed.offset;
    else this.#intended = committed;
    return { next: committed.offset, high, intent };
  }

  /** `high`: the positions stored before these records. */
  async intend(intent: Intent, high: HighWater): Promise<void> {
    await this.#intend({ offset: intent.first, metadata: high.note(intent) });
  }

  /**
   * To be called right before rows are sent. An intent that is not fresh is committed again: another holder may have
   * stored those records so many inserts ago that ClickHouse no longer knows their token. Errors: LOCKED there; and
   * STORE_UNAVAILABLE where that commit is not fresh either, since then the same may have happened during it.
   */
  async confirm(): Promise<void> {
    if (this.#isFresh() || this.#intended === undefined) return;
    await this.#intend(this.#intended);
    if (this.#isFresh()) return;
    throw new VedetteError('STORE_UNAVAILABLE', `a commit took longer than ${FRESH_INTENT_MS / 1000} s`);
  }

  /** Commits that nothing is in flight before `next`. */
  async settle(next: number, high: HighWater): Promise<void> {
    if (next === this.#settled) return;
    await this.#commit({ offset: next, metadata: high.note() });
    this.#settled = next;
  }

  async #intend(position: GroupPosition): Promise<void> {
    const begunMs = Date.now();
    await this.#commit(position);
    this.#settled = -1;
    this.#intended = position;
    this.#intendedMs = begunMs;
  }

  #isFresh(): boolean {
    // A clock that was set back says nothing of the age.
    return Math.abs(Date.now() - this.#intendedMs) <= FRESH_INTENT_MS;
  }

  async #commit(position: GroupPosition): Promise<void> {
    const { log, topic, partition } = this.#options;
    await log.commit(SINK_GROUP, topic, partition, position);
  }
}
