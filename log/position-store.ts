import type { GroupPosition } from './event-log.ts';

/** A partition of a topic as one group reads it. */
export interface GroupPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/**
 * Where groups go on, guarded by epochs: whoever claims a partition last is the only one that can commit. Commits of one
 * holder take effect in order; a commit that resolved is durable. Errors: LOCKED (a newer epoch holds the partition),
 * STORE_UNAVAILABLE.
 */
export interface PositionStore {
  /** Takes a partition over: every earlier holder is refused from now on. Gives the new epoch, and where to go on. */
  claim(place: GroupPartition): Promise<{ readonly epoch: number; readonly position?: GroupPosition }>;
  commit(place: GroupPartition, epoch: number, position: GroupPosition): Promise<void>;
  /** The last committed position, without claiming. */
  committed(place: GroupPartition): Promise<GroupPosition | undefined>;
}
