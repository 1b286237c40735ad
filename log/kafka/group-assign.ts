export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface AssignableTopic {
  readonly name: string;
  readonly partitions: number;
}

/** A member as it says itself: what it holds since which generation. */
export interface MemberClaim {
  readonly memberId: string;
  readonly generation: number;
  readonly held: readonly TopicPartition[];
}

/**
 * Deals out the partitions: of each topic nobody has more than one more than another, and the whole is as even as that
 * allows; who holds a partition keeps it where that is possible. A partition whose owner changes is given to nobody until
 * its holder has let go of it (the holder then joins again): it is never in two hands.
 *
 * The result depends on the claims alone, not on their order.
 */
export function assignPartitions(
  claims: readonly MemberClaim[],
  topics: readonly AssignableTopic[],
): Map<string, TopicPartition[]> {
  const members = [...claims].sort((a, b) => compare(a.memberId, b.memberId));
  const holders = holdersOf(members);
  const totals = new Map(members.map(({ memberId }) => [memberId, 0]));
  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
  if (members.length === 0) return assigned;
  for (const topic of [...topics].sort((a, b) => compare(a.name, b.name))) {
    for (const [partition, memberId] of owners(topic, { holders, totals }).entries()) {
      totals.set(memberId, totals.get(memberId)! + 1);
      const holder = holders.get(keyOf({ topic: topic.name, partition }));
      if (holder === undefined || holder === memberId) assigned.get(memberId)!.push({ topic: topic.name, partition });
    }
  }
  return assigned;
}

/** Who is to own each partition of a topic. */
function owners(
  { name, partitions }: AssignableTopic,
  { holders, totals }: { readonly holders: ReadonlyMap<string, string>; readonly totals: ReadonlyMap<string, number> },
): string[] {
  const members = [...totals.keys()];
  const heldBy = new Map<string, number[]>(members.map((memberId) => [memberId, []]));
  for (let partition = 0; partition < partitions; partition++) {
    const holder = holders.get(keyOf({ topic: name, partition }));
    if (holder !== undefined) heldBy.get(holder)!.push(partition);
  }
  // One more than the others have first those with least of the topics before, then those that hold more of this one.
  const order = [...members].sort(
    (a, b) => totals.get(a)! - totals.get(b)! || heldBy.get(b)!.length - heldBy.get(a)!.length || compare(a, b),
  );
  const share = Math.floor(partitions / members.length);
  const more = partitions % members.length;
  const room = new Map(order.map((memberId, i) => [memberId, share + (i < more ? 1 : 0)]));
  const result = new Array<string | undefined>(partitions).fill(undefined);
  for (const [memberId, held] of heldBy) {
    for (const partition of held.slice(0, room.get(memberId))) {
      result[partition] = memberId;
      room.set(memberId, room.get(memberId)! - 1);
    }
  }
  return result.map((owner) => {
    if (owner !== undefined) return owner;
    const memberId = order.find((candidate) => room.get(candidate)! > 0)!;
    room.set(memberId, room.get(memberId)! - 1);
    return memberId;
  });
}

/** Where two say that they hold a partition, the later generation is right: the other was thought dead meanwhile. */
function holdersOf(members: readonly MemberClaim[]): Map<string, string> {
  const holders = new Map<string, { memberId: string; generation: number }>();
  for (const { memberId, generation, held } of members) {
    for (const place of held) {
      const known = holders.get(keyOf(place));
      if (!known || known.generation < generation) holders.set(keyOf(place), { memberId, generation });
    }
  }
  return new Map([...holders].map(([key, { memberId }]) => [key, memberId]));
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
