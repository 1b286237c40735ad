import { VedetteError } from '../../model/errors.ts';
import type { GroupPosition } from '../event-log.ts';
import type { GroupPartition, PositionStore } from '../position-store.ts';

interface Claim {
  readonly epoch: number;
  readonly position: GroupPosition | undefined;
}

/** The partitions that this process has claimed for its groups, and commits for them. */
export class GroupCommits {
  readonly #store: PositionStore;
  readonly #onCommitted: (place: GroupPartition, position: GroupPosition) => void;
  readonly #claims = new Map<string, Promise<Claim>>();

  constructor(store: PositionStore, onCommitted: (place: GroupPartition, position: GroupPosition) => void) {
    this.#store = store;
    this.#onCommitted = onCommitted;
  }

  /** Takes the partition over, again where it was held already: earlier holders, in this process too, are refused. */
  claim(place: GroupPartition): Promise<Claim> {
    const key = keyOf(place);
    const claiming = this.#store.claim(place).then(({ epoch, position }) => ({ epoch, position }));
    this.#claims.set(key, claiming);
    claiming.catch(() => {
      if (this.#claims.get(key) === claiming) this.#claims.delete(key);
    });
    return claiming;
  }

  /** Commits go on under the epoch of a later claim only. */
  release(place: GroupPartition): void {
    this.#claims.delete(keyOf(place));
  }

  /** Claims first where nobody here has. Errors: LOCKED, again and again until it is claimed anew. */
  async commit(place: GroupPartition, position: GroupPosition): Promise<void> {
    if (!Number.isSafeInteger(position.offset) || position.offset < 0) {
      throw new VedetteError('BAD_REQUEST', `offset ${position.offset} is none`);
    }
    const { epoch } = await (this.#claims.get(keyOf(place)) ?? this.claim(place));
    await this.#store.commit(place, epoch, position);
    this.#onCommitted(place, position);
  }

  committed(place: GroupPartition): Promise<GroupPosition | undefined> {
    return this.#store.committed(place);
  }
}

function keyOf({ group, topic, partition }: GroupPartition): string {
  return `${group}/${topic}/${partition}`;
}
