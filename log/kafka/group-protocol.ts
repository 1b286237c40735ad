import type { MemberClaim, TopicPartition } from './group-assign.ts';
import { MemberAssignment, MemberMetadata } from './kafkajs.ts';

/** Members of a group speak one version of this; another way of assigning gets another name. */
export const PROTOCOL = 'vedette-sticky-1';

/** In the form of Kafka's own consumers, so that its tools can show it; what is held goes into the user data. */
export function encodeClaim(topics: readonly string[], claim: Omit<MemberClaim, 'memberId'>): Buffer {
  const held = byTopic(claim.held);
  const userData = Buffer.from(JSON.stringify({ generation: claim.generation, held }));
  return MemberMetadata.encode({ version: 1, topics: [...topics], userData });
}

/** What cannot be read claims nothing. */
export function decodeClaim(memberId: string, metadata: Buffer): MemberClaim {
  try {
    const { userData } = MemberMetadata.decode(metadata) ?? {};
    const { generation, held } = JSON.parse(String(userData)) as { generation: number; held: Record<string, number[]> };
    if (!Number.isSafeInteger(generation)) return { memberId, generation: -1, held: [] };
    return { memberId, generation, held: flat(held) };
  } catch {
    return { memberId, generation: -1, held: [] };
  }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  return MemberAssignment.encode({ version: 1, assignment: byTopic(partitions), userData: Buffer.alloc(0) });
}

export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  return flat(MemberAssignment.decode(bytes)?.assignment ?? {});
}

function byTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const topics: Record<string, number[]> = {};
  for (const { topic, partition } of partitions) (topics[topic] ??= []).push(partition);
  return topics;
}

function flat(topics: Record<string, number[]>): TopicPartition[] {
  return Object.entries(topics).flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition })));
}
