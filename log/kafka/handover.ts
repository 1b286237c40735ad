import { keyOf, type TopicPartition } from './group-assign.ts';

export interface GroupAssignment {
  readonly generation: number;
  readonly memberId: string;
  /** All that this member has now. */
  readonly partitions: readonly TopicPartition[];
  readonly added: readonly TopicPartition[];
  readonly removed: readonly TopicPartition[];
}

export interface HandoverCallbacks {
  readonly onAssigned: (assignment: GroupAssignment) => void | Promise<void>;
  readonly onLost: () => void | Promise<void>;
  /** Something was let go of, which others wait for. */
  readonly onReleased: () => void;
  readonly onFailed: (error: unknown) => void;
}

type Target = Pick<GroupAssignment, 'generation' | 'memberId' | 'partitions'>;

/**
 * Brings what a member works on in line with what it was assigned, one callback at a time, however many assignments come
 * meanwhile: only the newest counts.
 */
export class Handover {
  readonly #callbacks: HandoverCallbacks;
  #applied: Target = { generation: -1, memberId: '', partitions: [] };
  #target = this.#applied;
  #isLost = false;
  #isRunning = false;
  #isClosed = false;

  constructor(callbacks: HandoverCallbacks) {
    this.#callbacks = callbacks;
  }

  get assigned(): readonly TopicPartition[] {
    return this.#target.partitions;
  }

  /** What this member has in hand, also what it is about to let go of; and since when. */
  get held(): { readonly generation: number; readonly held: readonly TopicPartition[] } {
    const held = new Map(
      [...this.#applied.partitions, ...this.#target.partitions].map((place) => [keyOf(place), place]),
    );
    return { generation: this.#target.generation, held: [...held.values()] };
  }

  take(target: Target): void {
    this.#target = target;
    void this.#run();
  }

  /** Others have it all. */
  lose(): void {
    const isNothing = this.#applied.partitions.length === 0 && this.#target.partitions.length === 0;
    this.#applied = { generation: -1, memberId: '', partitions: [] };
    this.#target = this.#applied;
    if (isNothing) return;
    this.#isLost = true;
    void this.#run();
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (!this.#isClosed && (this.#isLost || this.#target !== this.#applied)) {
        if (this.#isLost) {
          this.#isLost = false;
          await this.#callbacks.onLost();
        } else await this.#apply(this.#target);
      }
    } catch (error) {
      this.#callbacks.onFailed(error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #apply(target: Target): Promise<void> {
    const before = this.#applied.partitions;
    const removed = without(before, target.partitions);
    await this.#callbacks.onAssigned({ ...target, added: without(target.partitions, before), removed });
    if (this.#isLost) return;
    this.#applied = target;
    if (removed.length > 0) this.#callbacks.onReleased();
  }
}

function without(places: readonly TopicPartition[], others: readonly TopicPartition[]): TopicPartition[] {
  const keys = new Set(others.map(keyOf));
  return places.filter((place) => !keys.has(keyOf(place)));
}
