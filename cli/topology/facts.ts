import type { Config } from '../../config/schema.ts';
import type { Server } from '../../config/server-sections.ts';
import type { ErrorCode } from '../../model/errors.ts';
import type { CheckpointStatus } from '../../featurestore/cassandra/checkpoint-list.ts';
import type { RawBacklog } from '../../ingest/pulsar/admin.ts';
import type { PositionStatus } from '../../log/cassandra/position-list.ts';
import type { GroupDescription } from '../../log/kafka/group-description.ts';
import { MIRROR_GROUP } from '../../mirror/partition-mirror.ts';
import { parseNote } from '../../olap/high-water.ts';
import { SINK_GROUP } from '../../olap/sink-commits.ts';
import { STREAM_GROUP } from '../../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../../stream/stage-workers.ts';
import { checkpointKey } from '../stage-factory.ts';
import { SINK_ROUTES } from '../topics.ts';

/** A role whose workers share partitions out. */
export interface SharedRole {
  readonly role: 'stream' | 'sink' | 'mirror';
  /** Of membership, at Kafka. */
  readonly workers: string;
  /** Of positions. */
  readonly group: string;
  readonly topics: readonly string[];
  /** Of the checkpoints of a partition; undefined: this role has none. */
  readonly checkpointOf?: (topic: string, partition: number) => string;
  /** Whether what a worker noted with its position says that it is at work; undefined: its note does not say. */
  readonly isAtWork?: (note: string) => boolean;
}

const SHARED_ROLES: readonly SharedRole[] = [
  {
    role: 'stream',
    workers: 'stream-workers',
    group: STREAM_GROUP,
    topics: [EVENTS_TOPIC, PARTIALS_TOPIC],
    checkpointOf: (topic, partition) => checkpointKey(topic === EVENTS_TOPIC ? 1 : 2, partition),
  },
  {
    role: 'sink',
    workers: 'sink-workers',
    group: SINK_GROUP,
    topics: SINK_ROUTES.map(({ topic }) => topic),
    isAtWork: (note) => parseNote(note, Number.MAX_SAFE_INTEGER).intent !== undefined,
  },
];

const MIRROR: SharedRole = {
  role: 'mirror',
  workers: 'mirror-workers',
  group: MIRROR_GROUP,
  topics: [EVENTS_TOPIC],
};

/** Roles that a configuration asks for. */
export function sharedRoles({ kafka }: Pick<Config, 'kafka'>): readonly SharedRole[] {
  return kafka.mirror.enabled ? [...SHARED_ROLES, MIRROR] : SHARED_ROLES;
}

/** A partition that Kafka has. */
export interface PartitionBounds {
  readonly topic: string;
  readonly partition: number;
  /** Undefined: no broker leads it now. */
  readonly bounds?: { readonly earliest: number; readonly end: number };
}

/** How far the log is, and those who read it, at one moment. */
export interface Look {
  readonly bounds: readonly PartitionBounds[] | undefined;
  readonly positions: readonly PositionStatus[] | undefined;
}

export interface RawTopicFacts {
  readonly name: string;
  /** Undefined: there is no such topic. */
  readonly partitions?: readonly RawBacklog[];
}

/** A server that did not tell. */
export interface Problem {
  readonly server: Server;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What the servers told; undefined where one did not. */
export interface TopologyFacts {
  readonly atMs: number;
  /** Time between the two looks, ms; 0: there was one. */
  readonly overMs: number;
  readonly roles: readonly SharedRole[];
  readonly first: Look;
  readonly last: Look;
  /** By the name of {@link SharedRole.workers}. */
  readonly groups: ReadonlyMap<string, GroupDescription> | undefined;
  /** By key. */
  readonly checkpoints: ReadonlyMap<string, CheckpointStatus> | undefined;
  readonly raw: readonly RawTopicFacts[] | undefined;
  readonly problems: readonly Problem[];
}
