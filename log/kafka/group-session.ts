import { VedetteError } from '../../model/errors.ts';
import type { Connections } from './connections.ts';
import { assignPartitions, type AssignableTopic, type MemberClaim, type TopicPartition } from './group-assign.ts';
import { decodeAssignment, decodeClaim, encodeAssignment, encodeClaim, PROTOCOL } from './group-protocol.ts';
import { errorName } from './kafkajs.ts';
import type { Lane } from './lane.ts';
import { KAFKA_ERROR } from './protocol-types.ts';

export interface SessionOptions {
  /** All names as the brokers know them. */
  readonly groupId: string;
  readonly topics: readonly AssignableTopic[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

export interface JoinedGroup {
  readonly generation: number;
  readonly memberId: string;
  readonly partitions: readonly TopicPartition[];
}

const LEAVE_MS = 2000;

/**
 * The requests of a member to its group's coordinator: join, sync, heartbeat, leave. `again`: the group is dealing out
 * anew. `lost`: it no longer knows this member. Errors: UNAUTHORIZED, CONFIG_INVALID, LOG_UNAVAILABLE.
 */
export class GroupSession {
  readonly #connections: Connections;
  readonly #options: SessionOptions;
  #coordinator: number | undefined;
  #memberId = '';

  constructor(connections: Connections, options: SessionOptions) {
    this.#connections = connections;
    this.#options = options;
  }

  async join(claim: Omit<MemberClaim, 'memberId'>): Promise<JoinedGroup | 'again' | 'lost'> {
    const { groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const metadata = encodeClaim(
      topics.map(({ name }) => name),
      claim,
    );
    const answer = await this.#call((lane) =>
      lane.call('JoinGroup', {
        groupId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType: 'consumer',
        groupProtocols: [{ name: PROTOCOL, metadata }],
      }),
    );
    if (answer.errorCode === KAFKA_ERROR.memberIdRequired) {
      this.#memberId = answer.memberId;
      return 'again';
    }
    const state = this.#judge('join', answer.errorCode);
    if (state !== 'stable') return state;
    this.#memberId = answer.memberId;
    const generation = answer.generationId;
    const claims = answer.members.map(({ memberId, memberMetadata }) => decodeClaim(memberId, memberMetadata));
    return this.#sync(generation, answer.leaderId === answer.memberId ? claims : []);
  }

  async heartbeat(generation: number): Promise<'stable' | 'again' | 'lost'> {
    const { groupId } = this.#options;
    const answer = await this.#call((lane) =>
      lane.call('Heartbeat', { groupId, groupGenerationId: generation, memberId: this.#memberId }),
    );
    return this.#judge('heartbeat', answer.errorCode);
  }

  /** On a connection of its own, since a join may be waiting on the other. What fails is left to the session timeout. */
  async leave(): Promise<void> {
    const memberId = this.#memberId;
    const coordinator = this.#coordinator;
    if (memberId === '' || coordinator === undefined) return;
    const leaving = this.#connections
      .lane(coordinator, 'leave')
      .then((lane) => lane.call('LeaveGroup', { groupId: this.#options.groupId, memberId }));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LEAVE_MS)));
    await Promise.race([
      leaving.then(
        () => undefined,
        () => undefined,
      ),
      late,
    ]);
    clearTimeout(timer);
  }

  /** The leader deals out; the others get theirs from it. */
  async #sync(generationId: number, claims: readonly MemberClaim[]): Promise<JoinedGroup | 'again' | 'lost'> {
    const memberId = this.#memberId;
    const assigned = assignPartitions(claims, this.#options.topics);
    const groupAssignment = claims.map((claim) => ({
      memberId: claim.memberId,
      memberAssignment: encodeAssignment(assigned.get(claim.memberId) ?? []),
    }));
    const { groupId } = this.#options;
    const answer = await this.#call((lane) =>
      lane.call('SyncGroup', { groupId, generationId, memberId, groupAssignment }),
    );
    const state = this.#judge('sync', answer.errorCode);
    if (state !== 'stable') return state;
    return { generation: generationId, memberId, partitions: decodeAssignment(answer.memberAssignment) };
  }

  async #call<T>(ask: (lane: Lane) => Promise<T>): Promise<T> {
    this.#coordinator ??= await this.#connections.coordinator(this.#options.groupId);
    try {
      return await ask(await this.#connections.lane(this.#coordinator, 'group'));
    } catch (error) {
      this.#coordinator = undefined;
      throw error;
    }
  }

  #judge(what: string, errorCode: number): 'stable' | 'again' | 'lost' {
    const { groupId } = this.#options;
    switch (errorCode) {
      case KAFKA_ERROR.none:
        return 'stable';
      case KAFKA_ERROR.rebalanceInProgress:
        return 'again';
      case KAFKA_ERROR.unknownMember:
      case KAFKA_ERROR.illegalGeneration:
      case KAFKA_ERROR.fencedInstance:
        // Of another generation: the others went on without it, but the group still knows it.
        if (errorCode !== KAFKA_ERROR.illegalGeneration) this.#memberId = '';
        return 'lost';
      case KAFKA_ERROR.groupUnauthorized:
      case KAFKA_ERROR.topicUnauthorized:
        throw new VedetteError('UNAUTHORIZED', `Kafka does not let this user into the group ${groupId}`);
      case INVALID_SESSION_TIMEOUT:
        throw new VedetteError(
          'CONFIG_INVALID',
          `Kafka refuses a session timeout of ${this.#options.sessionTimeoutMs} ms: its group.min.session.timeout.ms and ` +
            'group.max.session.timeout.ms say otherwise',
        );
      case INCONSISTENT_PROTOCOL:
        throw new VedetteError('CONFIG_INVALID', `the group ${groupId} is in use by another kind of consumer`);
      default:
        this.#coordinator = undefined;
        throw new VedetteError('LOG_UNAVAILABLE', `${what} of the group ${groupId}: ${errorName(errorCode)}`);
    }
  }
}

const INCONSISTENT_PROTOCOL = 23;
const INVALID_SESSION_TIMEOUT = 26;
