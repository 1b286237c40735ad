import { readFileSync } from 'node:fs';
import type { AlertStore } from '../alerts/alert.ts';
import type { Outbox } from '../alerts/outbox.ts';
import type { CassandraSession } from '../cassandra/session.ts';
import type { Config } from '../config/schema.ts';
import type { CheckpointStatus } from '../featurestore/cassandra/checkpoint-list.ts';
import type { CheckpointStore } from '../featurestore/checkpoint-store.ts';
import type { DeadLetterStore } from '../ingest/dead-letter.ts';
import type { HeaderStore } from '../ingest/header-store.ts';
import type { RawLog } from '../ingest/raw-log.ts';
import type { SourceStateStore } from '../ingest/source-state.ts';
import type { GroupMember, GroupOptions } from '../log/kafka/group.ts';
import type { KafkaLog } from '../log/kafka/kafka-log.ts';
import type { OlapClient } from '../olap/client.ts';
import type { OnNotice } from './alert-publishing.ts';
import { clusterTopics } from './topics.ts';

/** The servers of the cluster form and what lives on them, as one process reaches them. */
export interface ClusterServers {
  readonly session: CassandraSession;
  readonly log: KafkaLog;
  readonly checkpoints: CheckpointStore;
  readonly alerts: AlertStore;
  readonly deadLetters: DeadLetterStore;
  readonly sourceStates: SourceStateStore;
  readonly headers: HeaderStore;
  readonly olap: OlapClient;
  /** Newest checkpoints by key, whoever wrote them; claims nothing. */
  listCheckpoints(): Promise<ReadonlyMap<string, CheckpointStatus>>;
  openOutbox(name: string): Promise<Outbox>;
  /** Pulsar, for roles that read or publish raw logs. */
  openRawLog(): Promise<RawLog>;
}

/**
 * Connects to Cassandra, Kafka and ClickHouse, and brings their schemas and topics up to date. What must be closed again
 * is in `closers`, also when this fails half-way.
 */
export async function openClusterServers(
  options: { config: Config; onNotice: OnNotice },
  closers: (() => Promise<unknown>)[],
): Promise<ClusterServers> {
  const { config, onNotice } = options;
  const warn = (message: string): void => onNotice('warn', message);
  const [
    { connectCassandra },
    { openCassandraPositions },
    { openCassandraCheckpoints },
    { listCassandraCheckpoints },
    { openCassandraAlertStore },
    { openCassandraOutbox },
    { openCassandraDeadLetters },
    { openCassandraHeaders },
    { openCassandraSourceStates },
    { openKafkaLog },
    { connectClickhouse },
  ] = await Promise.all([
    import('../cassandra/connect.ts'),
    import('../log/cassandra/index.ts'),
    import('../featurestore/cassandra/index.ts'),
    import('../featurestore/cassandra/checkpoint-list.ts'),
    import('../alerts/cassandra/index.ts'),
    import('../alerts/cassandra/outbox.ts'),
    import('../ingest/cassandra/index.ts'),
    import('../ingest/cassandra/headers.ts'),
    import('../ingest/cassandra/source-states.ts'),
    import('../log/kafka/index.ts'),
    import('../olap/connect.ts'),
  ]);
  const session = await connectCassandra(config.cassandra, { onNotice: warn });
  closers.push(() => session.close());
  const log = await openKafkaLog({
    kafka: config.kafka,
    topics: clusterTopics(config),
    positions: openCassandraPositions(session),
    onWarning: warn,
  });
  closers.push(() => log.close());
  const olap = await connectClickhouse(config.clickhouse);
  closers.push(() => olap.close());
  const alerts = openCassandraAlertStore(session);
  closers.push(() => alerts.close());
  const deadLetters = openCassandraDeadLetters(session, {
    maxLetterBytes: config.deadLetters.maxBytes,
    onDropped: (letters) => warn(`${letters} dead letters were dropped: over the limit`),
  });
  closers.push(() => deadLetters.close());
  const sourceStates = openCassandraSourceStates(session);
  closers.push(() => sourceStates.close());
  const checkpoints = openCassandraCheckpoints(session, { onWarning: warn });
  closers.push(() => checkpoints.cleared());
  return {
    session,
    log,
    checkpoints,
    alerts,
    deadLetters,
    sourceStates,
    headers: openCassandraHeaders(session, { retentionDays: config.olap.retentionDays.events }),
    olap,
    listCheckpoints: async () => new Map((await listCassandraCheckpoints(session)).map((each) => [each.key, each])),
    openOutbox: (name) => Promise.resolve(openCassandraOutbox(session, name)),
    openRawLog: async () => {
      const rawLog = await openRawLog(config.pulsar, onNotice);
      closers.push(() => rawLog.close());
      return rawLog;
    },
  };
}

/** A share of the partitions, in Kafka's consumer group of this name. */
export async function joinCluster(
  config: Config,
  options: Pick<GroupOptions, 'groupId' | 'topics' | 'onAssigned' | 'onLost' | 'onFailed'>,
): Promise<GroupMember> {
  const { joinGroup } = await import('../log/kafka/group.ts');
  return joinGroup({ kafka: config.kafka, ...config.kafka.group, ...options });
}

async function openRawLog(pulsar: Config['pulsar'], onNotice: OnNotice): Promise<RawLog> {
  const { transport, webSocketUrl, serviceUrl, createTopics, publish, ...limits } = pulsar;
  const options = {
    ...limits,
    token: () => tokenOf(pulsar),
    mayCreate: createTopics,
    publishTimeoutMs: publish.timeoutMs,
    onNotice,
  };
  if (transport === 'native') {
    const { openPulsarNative } = await import('../ingest/pulsar/native/index.ts');
    return openPulsarNative({ ...options, serviceUrl });
  }
  const { openPulsarWebSocket } = await import('../ingest/pulsar/websocket/index.ts');
  return openPulsarWebSocket({ ...options, webSocketUrl });
}

/** Read anew each time, so that a renewed token is taken up. */
export function tokenOf({ token, tokenEnv, tokenFile }: Config['pulsar']): string | undefined {
  if (tokenFile !== undefined) return readFileSync(tokenFile, 'utf8').trim();
  return tokenEnv === undefined ? token : process.env[tokenEnv];
}
