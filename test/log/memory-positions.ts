import { VedetteError } from '../../model/errors.ts';
import type { GroupPosition } from '../../log/event-log.ts';
import type { GroupPartition, PositionStore } from '../../log/position-store.ts';

/** Positions for tests of a log: they live as long as the object. */
export function memoryPositions(): PositionStore {
  const places = new Map<string, { epoch: number; position?: GroupPosition }>();
  const placeOf = ({ group, topic, partition }: GroupPartition) => {
    const key = `${group}/${topic}/${partition}`;
    const place = places.get(key) ?? { epoch: 0 };
    places.set(key, place);
    return place;
  };
  return {
    async claim(at) {
      const place = placeOf(at);
      place.epoch++;
      return { ...place };
    },
    async commit(at, epoch, position) {
      const place = placeOf(at);
      if (place.epoch !== epoch) throw new VedetteError('LOCKED', `epoch ${place.epoch} holds it, not ${epoch}`);
      place.position = position;
    },
    committed: async (at) => placeOf(at).position,
  };
}
