import type { PositionStore } from '../../log/position-store.ts';
import { VedetteError } from '../../model/errors.ts';

/** For a log of which no group reads: who reads keeps offsets elsewhere, or none. */
export const NO_POSITIONS: PositionStore = {
  claim: () => refuse(),
  commit: () => refuse(),
  committed: () => Promise.resolve(undefined),
};

function refuse(): Promise<never> {
  return Promise.reject(new VedetteError('UNSUPPORTED', 'this log keeps no positions'));
}
