import type { CheckpointStatus } from '../../featurestore/cassandra/checkpoint-list.ts';
import type { GroupDescription } from '../../log/kafka/group-description.ts';
import type { PositionStatus } from '../../log/cassandra/position-list.ts';
import { type Look, type SharedRole, type TopologyFacts } from './facts.ts';

/** What `vedette topology -o json` prints, without the advice. What no server told is missing. */
export interface TopologyView {
  readonly now: string;
  /** Between two looks; 0: there was one, and nothing is said about growth. */
  readonly over_seconds: number;
  readonly roles: readonly RoleView[];
  readonly ingest: {
    /** Missing: Pulsar's admin interface did not answer. */
    readonly topics?: readonly RawTopicView[];
  };
}

export interface RoleView {
  readonly role: SharedRole['role'];
  /** At Kafka, with its prefix. */
  readonly group?: string;
  /** Kafka's word. */
  readonly state?: string;
  readonly members: readonly MemberView[];
  readonly missing_topics: readonly string[];
  readonly partitions: readonly PartitionView[];
}

export interface MemberView {
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly client_id: string;
  readonly host: string;
  readonly partitions: number;
}

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** Name of the member that has it. */
  readonly owner?: string;
  /** Next record to be read, as last committed. */
  readonly committed?: number;
  /** First record that the log still has. */
  readonly earliest?: number;
  /** Next record to be written. */
  readonly end?: number;
  /** Records between the two. */
  readonly lag?: number;
  /** More came in than was read, and more is waiting than came in; missing: not known. */
  readonly is_growing?: boolean;
  /** How often the partition was taken over. */
  readonly epoch?: number;
  readonly checkpoint?: CheckpointView;
}

export interface CheckpointView {
  /** How often it was taken over; a count of its own. */
  readonly epoch: number;
  readonly sequence: number;
  /** Missing, as the next two: none was written yet. */
  readonly at?: string;
  readonly age_seconds?: number;
  readonly bytes?: number;
}

export interface RawTopicView {
  readonly topic: string;
  /** Missing: there is no such topic. */
  readonly partitions?: readonly {
    readonly partition: number;
    /** Messages; missing: nobody has subscribed. */
    readonly backlog?: number;
    readonly consumer?: string;
  }[];
}

/** @param checkpointMs time between checkpoints: a shorter look sees no commit of a stage, and says nothing of growth. */
export function viewOf(facts: TopologyFacts, { checkpointMs }: { readonly checkpointMs: number }): TopologyView {
  const { atMs, overMs, roles, raw } = facts;
  return {
    now: new Date(atMs).toISOString(),
    over_seconds: Math.round(overMs / 1000),
    roles: roles.map((role) => {
      const commitMs = role.checkpointOf ? checkpointMs : 0;
      return roleView(role, facts, { canJudge: overMs > 0 && overMs >= commitMs });
    }),
    ingest: {
      ...(raw && {
        topics: raw.map(({ name, partitions }) => ({
          topic: name,
          ...(partitions && {
            partitions: partitions.map(({ messages, ...rest }) => ({
              ...rest,
              ...(messages !== undefined && { backlog: messages }),
            })),
          }),
        })),
      }),
    },
  };
}

function roleView(role: SharedRole, facts: TopologyFacts, { canJudge }: { readonly canJudge: boolean }): RoleView {
  const group = facts.groups?.get(role.workers);
  const names = memberNames(group);
  const owners = new Map(
    group?.members.flatMap(({ memberId, partitions }) =>
      partitions.map(({ topic, partition }) => [`${topic}/${partition}`, names.get(memberId)] as const),
    ),
  );
  const places = placesOf(role, facts);
  return {
    role: role.role,
    ...(group && { group: group.groupId, state: group.state }),
    members: (group?.members ?? []).map(({ memberId, clientId, host, partitions }) => ({
      id: memberId,
      name: names.get(memberId)!,
      client_id: clientId,
      host,
      partitions: partitions.length,
    })),
    missing_topics: facts.last.bounds
      ? role.topics.filter((topic) => !facts.last.bounds?.some((each) => each.topic === topic))
      : [],
    partitions: places.map(({ topic, partition }) => {
      const owner = owners.get(`${topic}/${partition}`);
      const now = standing(role, facts.last, { topic, partition });
      const before = standing(role, facts.first, { topic, partition });
      const checkpoint = role.checkpointOf && facts.checkpoints?.get(role.checkpointOf(topic, partition));
      return {
        topic,
        partition,
        ...(owner !== undefined && { owner }),
        ...now,
        ...(canJudge && growth(before, now, { isAtWork: isAtWork(role, facts.first, { topic, partition }) })),
        ...(checkpoint && { checkpoint: checkpointView(checkpoint, facts.atMs) }),
      };
    }),
  };
}

/** As Kafka has them; where it did not tell, as positions know them. */
function placesOf({ group, topics }: SharedRole, { last }: TopologyFacts): Place[] {
  const places = last.bounds ?? (last.positions ?? []).filter((position) => position.group === group);
  return topics.flatMap((topic) =>
    places.filter((place) => place.topic === topic).sort((a, b) => a.partition - b.partition),
  );
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

type Standing = Pick<PartitionView, 'committed' | 'earliest' | 'end' | 'lag' | 'epoch'>;

function standing({ group }: SharedRole, look: Look, place: Place): Standing {
  const isHere = (each: Place): boolean => each.topic === place.topic && each.partition === place.partition;
  const bounds = look.bounds?.find(isHere)?.bounds;
  const position = positionOf(group, look, place);
  return {
    ...(position && { epoch: position.epoch }),
    ...(position?.offset !== undefined && { committed: position.offset }),
    ...(bounds && { earliest: bounds.earliest, end: bounds.end }),
    // What was committed is read after the end, and may be past it by now.
    ...(bounds &&
      look.positions && { lag: Math.max(0, bounds.end - Math.max(position?.offset ?? 0, bounds.earliest)) }),
  };
}

function positionOf(group: string, look: Look, { topic, partition }: Place): PositionStatus | undefined {
  return look.positions?.find((each) => each.group === group && each.topic === topic && each.partition === partition);
}

/** The sink commits with rows only: blocks without any (of time alone) are read, and wait for nobody. */
function isAtWork(role: SharedRole, look: Look, place: Place): boolean {
  const note = positionOf(role.group, look, place)?.metadata;
  return role.isAtWork === undefined || (note !== undefined && role.isAtWork(note));
}

function growth(before: Standing, now: Standing, first: { isAtWork: boolean }): Pick<PartitionView, 'is_growing'> {
  if (before.lag === undefined || now.lag === undefined || before.end === undefined || now.end === undefined) return {};
  const hasWork = first.isAtWork || before.committed !== now.committed;
  return { is_growing: hasWork && now.lag > before.lag && now.lag > now.end - before.end };
}

function checkpointView(status: CheckpointStatus, nowMs: number): CheckpointView {
  const { epoch, sequence, committedMs, sizeBytes } = status;
  return {
    epoch,
    sequence,
    ...(committedMs !== undefined && {
      at: new Date(committedMs).toISOString(),
      age_seconds: Math.max(0, Math.round((nowMs - committedMs) / 1000)),
    }),
    ...(sizeBytes !== undefined && { bytes: sizeBytes }),
  };
}

const SHORT = 8;

/** Kafka makes a member's id of the client's and a UUID, of which a few digits tell the members of a group apart. */
function memberNames(group: GroupDescription | undefined): Map<string, string> {
  const members = group?.members ?? [];
  const short = members.map(({ memberId, clientId }) =>
    memberId.startsWith(`${clientId}-`)
      ? `${clientId}-${memberId.slice(clientId.length + 1, clientId.length + 1 + SHORT)}`
      : memberId,
  );
  return new Map(
    members.map(({ memberId }, i) => [
      memberId,
      short.filter((name) => name === short[i]).length > 1 ? memberId : short[i]!,
    ]),
  );
}
