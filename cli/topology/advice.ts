import type { Server } from '../../config/server-sections.ts';
import type { Problem } from './facts.ts';
import type { PartitionView, RawTopicView, RoleView, TopologyView } from './view.ts';

const NAMES: Readonly<Record<Server, string>> = {
  kafka: 'Kafka',
  pulsar: 'Pulsar',
  cassandra: 'Cassandra',
  redis: 'Redis',
  clickhouse: 'ClickHouse',
};

/** What a role waits for. */
const SERVER_OF = { stream: 'Cassandra', sink: 'ClickHouse', mirror: 'Kafka' } as const;

/** A checkpoint that is older, while records wait, is told of; so are those of three missed ones, ms. */
const OLD_MS = 5 * 60_000;
const MISSED = 3;
/** Partitions that a line names. */
const MOST_NAMED = 6;

export interface AdviceOptions {
  readonly problems: readonly Problem[];
  readonly checkpointMs: number;
  /** As configured. */
  readonly partitions: number;
}

/** What somebody should do, in words, the most urgent first. Empty: nothing. */
export function adviceOf(view: TopologyView, options: AdviceOptions): string[] {
  return [
    ...options.problems.map(problemAdvice),
    ...missingAdvice(view),
    ...view.roles.flatMap((role) => roleAdvice(role, options)),
    ...(view.ingest.topics ?? []).flatMap(rawAdvice),
  ];
}

function problemAdvice({ server, code, message }: Problem): string {
  const name = NAMES[server];
  switch (code) {
    case 'UNAUTHORIZED':
      return `${name} refuses this user (${message}): correct the credentials in the section \`${server}\``;
    case 'NOT_FOUND':
      return `${name}: ${message}; \`vedette run --role …\` makes it at its first start`;
    case 'CONFIG_INVALID':
      return `correct the section \`${server}\`: ${message}`;
    default:
      return `${name} does not tell (${message}): start it, or correct the section \`${server}\`; \`vedette doctor\` says more`;
  }
}

function missingAdvice({ roles }: TopologyView): string[] {
  const missing = [...new Set(roles.flatMap((role) => role.missing_topics))];
  if (missing.length === 0) return [];
  return [`Kafka has no topics ${some(missing)} yet: \`vedette run --role …\` makes them at its first start`];
}

function roleAdvice(view: RoleView, options: AdviceOptions): string[] {
  const { role, partitions } = view;
  const advice = membersAdvice(view);
  const growing = partitions.filter((each) => each.owner !== undefined && each.is_growing === true);
  if (growing.length > 0) advice.push(growthAdvice(view, growing));
  const oldMs = Math.max(OLD_MS, options.checkpointMs * MISSED);
  const old = partitions.filter(
    ({ owner, lag, checkpoint }) =>
      owner !== undefined && (lag ?? 0) > 0 && (checkpoint?.age_seconds ?? 0) * 1000 > oldMs,
  );
  if (old.length > 0) {
    const ages = old.map(({ checkpoint }) => checkpoint?.age_seconds ?? 0);
    advice.push(
      `${role}: records wait in ${placesOf(old)}, and the newest checkpoint is up to ${Math.round(Math.max(...ages) / 60)} min old: ` +
        `read the log of the worker that has them (${some([...new Set(old.map(({ owner }) => owner!))])}); restarted elsewhere, it does all since then again`,
    );
  }
  const lost = partitions.filter(
    ({ committed, earliest }) => committed !== undefined && earliest !== undefined && committed < earliest,
  );
  if (lost.length > 0) {
    const records = lost.reduce((sum, { committed, earliest }) => sum + earliest! - committed!, 0);
    advice.push(
      `${role}: ${records} records of ${placesOf(lost)} were deleted by age before they were read: raise log.retentionHours, and retention.ms of the topics`,
    );
  }
  const count = partitions.filter(({ topic }) => topic === partitions[0]?.topic).length;
  if (role === 'stream' && count > 0 && count !== options.partitions) {
    advice.push(`the topics have ${count} partitions, and log.partitions says ${options.partitions}: set it back`);
  }
  return advice;
}

function membersAdvice({ role, group, state, members, partitions }: RoleView): string[] {
  if (state === undefined) return [];
  const ownerless = partitions.filter(({ owner }) => owner === undefined);
  if (members.length === 0) {
    const waiting = partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
    return [
      `no worker of the role ${role} runs, and ${waiting} records wait: start one with \`vedette run --role ${role}\``,
    ];
  }
  if (state !== 'Stable') {
    return [
      `${role}: the group ${group ?? ''} is dealing its partitions out (${state}): look again in some seconds; if it stays so, a worker does not end what it has to give away, and its log says why`,
    ];
  }
  if (ownerless.length === 0) return [];
  return [
    `${role}: nobody has ${placesOf(ownerless)}: they go from one worker to another; look again in some seconds, and if it stays so, restart the workers of this role one by one`,
  ];
}

function growthAdvice({ role, members, partitions }: RoleView, growing: readonly PartitionView[]): string {
  const what = `${role}: lag grows in ${placesOf(growing)}`;
  const most = Math.max(
    ...[...new Set(partitions.map(({ topic }) => topic))].map(
      (name) => partitions.filter(({ topic }) => topic === name).length,
    ),
  );
  if (members.length < most) {
    return `${what}: start another worker with \`vedette run --role ${role}\` (${members.length} share up to ${most} partitions of a topic), or see whether ${SERVER_OF[role]} keeps up`;
  }
  return `${what}: there are as many workers as partitions, so that more of them do not help; see whether their processors are full and ${SERVER_OF[role]} keeps up`;
}

function rawAdvice({ topic, partitions }: RawTopicView): string[] {
  if (!partitions) return [`Pulsar has no topic ${topic} yet: \`vedette run --role ingest\` makes it`];
  const unread = partitions.filter(({ consumer }) => consumer === undefined);
  const waiting = unread.reduce((sum, { backlog }) => sum + (backlog ?? 0), 0);
  if (unread.length === 0) return [];
  const numbers = some(unread.map(({ partition }) => String(partition)));
  if (unread.length < partitions.length)
    return [
      `ingest: nobody reads ${topic}, partitions ${numbers}: ${waiting} messages wait; look again in some seconds`,
    ];
  return [
    `no worker of the role ingest reads ${topic}, and ${waiting} messages wait: start one with \`vedette run --role ingest\``,
  ];
}

function placesOf(partitions: readonly PartitionView[]): string {
  return some(partitions.map(({ topic, partition }) => `${topic}/${partition}`));
}

function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return more > 0 ? `${names.slice(0, MOST_NAMED).join(', ')} and ${more} more` : names.join(', ');
}
