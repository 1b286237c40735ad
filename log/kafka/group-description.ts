import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import type { TopicPartition } from './group-assign.ts';
import { decodeAssignment } from './group-protocol.ts';
import { errorName } from './kafkajs.ts';
import { KAFKA_ERROR } from './protocol-types.ts';
import { kafkaName } from './topics.ts';

/** A group as its coordinator knows it. */
export interface GroupDescription {
  /** As the brokers know it. */
  readonly groupId: string;
  /** Kafka's word: `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty` or `Dead`. */
  readonly state: string;
  /** While partitions are dealt out, members have none. */
  readonly members: readonly GroupMemberDescription[];
}

export interface GroupMemberDescription {
  readonly memberId: string;
  readonly clientId: string;
  readonly host: string;
  /** What it was given last, without the prefix. */
  readonly partitions: readonly TopicPartition[];
}

/** Kafka's own; it is made when a coordinator is first asked for. */
const OFFSETS_TOPIC = '__consumer_offsets';

/**
 * Who is in a group, seen from outside: nothing is joined or made. A group that nobody was ever in is `Dead`. Errors:
 * LOG_UNAVAILABLE, UNAUTHORIZED (the user may not describe the group).
 */
export async function describeGroup(
  connections: Connections,
  name: { readonly prefix: string; readonly groupId: string },
): Promise<GroupDescription> {
  const groupId = kafkaName(name.prefix, name.groupId);
  const { topics } = await connections.metadata([OFFSETS_TOPIC]);
  if (topics.some(({ topicErrorCode }) => topicErrorCode === KAFKA_ERROR.unknownTopicOrPartition)) {
    return { groupId, state: 'Dead', members: [] };
  }
  const lane = await connections.lane(await connections.coordinator(groupId), 'control');
  const { groups } = await lane.call('DescribeGroups', { groupIds: [groupId] });
  const group = groups.find((each) => each.groupId === groupId);
  if (!group) throw new VedetteError('LOG_UNAVAILABLE', `Kafka says nothing of the group ${groupId}`);
  if (group.errorCode === KAFKA_ERROR.groupUnauthorized) {
    throw new VedetteError('UNAUTHORIZED', `Kafka does not let this user describe the group ${groupId}`);
  }
  if (group.errorCode !== KAFKA_ERROR.none) {
    throw new VedetteError('LOG_UNAVAILABLE', `the group ${groupId}: ${errorName(group.errorCode)}`);
  }
  return {
    groupId,
    state: group.state,
    members: group.members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      clientId,
      host: clientHost.replace(/^\//, ''),
      partitions: decodeAssignment(memberAssignment).map(({ topic, partition }) => ({
        topic: topic.slice(name.prefix.length + 1),
        partition,
      })),
    })),
  };
}
