import type { AlertStore } from '../alerts/alert.ts';
import { rawRowsSql } from '../alerts/raw-rows-sql.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import type { Backend, Status } from '../console/backend.ts';
import { replayDeadLetters } from '../ingest/replay.ts';
import { VedetteError } from '../model/errors.ts';
import { endpointOf, tlsOf } from '../olap/connect.ts';
import { SINK_GROUP } from '../olap/sink-commits.ts';
import { storageByTable } from '../olap/storage.ts';
import { STREAM_GROUP } from '../stream/runner.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC } from '../stream/stage-workers.ts';
import { PANE_MS } from '../stream/time.ts';
import { withHistory } from './alert-history.ts';
import type { Cluster } from './cluster.ts';
import type { OwnedStage } from './cluster-roles.ts';
import { createMetrics } from './metrics.ts';
import { readOnlySql } from './read-only-sql.ts';
import { sourceStatuses } from './source-statuses.ts';
import { checkpointKey } from './stage-factory.ts';
import { StoredEvents } from './stored-events.ts';
import { SINK_ROUTES } from './topics.ts';
import { VERSION } from './version.ts';

/** How often stored events are counted, ms. */
const STORED_MS = 5000;
/** How often alerts are looked for that another process changed, ms. */
const WATCH_MS = 2000;
/** Alerts looked at each time. */
const WATCHED = 200;

/** The console's backend over the servers of a cluster, whatever roles this process has beside it. */
export class ClusterBackend implements Backend {
  readonly alerts: AlertStore;
  private readonly cluster: Cluster;
  private readonly startedMs = Date.now();
  private readonly stored: StoredEvents;
  private readonly registry: ReturnType<typeof createMetrics>;
  private readonly timers: readonly NodeJS.Timeout[];
  private readonly listeners = new Set<(uid: string) => void>();
  private readonly seen = new Map<string, string>();
  private deliveries = 0;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    const { servers } = cluster;
    this.alerts = withHistory(servers.alerts, cluster.publisher);
    this.registry = createMetrics({
      ...(cluster.pipeline ? { pipeline: cluster.pipeline } : {}),
      log: servers.log,
      stage1: () =>
        this.owned().flatMap(({ partition, owned }) => (owned.stage === 1 ? [{ ...owned.parts, partition }] : [])),
      stage2: () =>
        this.owned().flatMap(({ partition, owned }) => (owned.stage === 2 ? [{ ...owned.parts, partition }] : [])),
      sinkCounters: cluster.sinkCounters,
      ...(cluster.options.roles.has('mirror') ? { mirror: cluster.mirrorCounters } : {}),
      webhooks: () => this.owned().flatMap(({ owned }) => (owned.stage === 2 ? owned.webhooks : [])),
      httpRequests: () => this.deliveries,
    });
    this.stored = new StoredEvents(servers.olap);
    // While ClickHouse is away, what was known stays: `olap.state` says so.
    const look = (): void => void this.stored.look(Date.now()).catch(() => undefined);
    look();
    const sample = setInterval(look, STORED_MS);
    const watch = setInterval(() => {
      if (this.listeners.size > 0)
        this.watch().catch((error: unknown) =>
          cluster.options.onNotice('warn', `alerts cannot be watched: ${String(error)}`),
        );
    }, WATCH_MS);
    this.timers = [sample.unref(), watch.unref()];
  }

  get deadLetters(): Backend['deadLetters'] {
    return this.cluster.servers.deadLetters;
  }

  get jobs(): Backend['jobs'] {
    const { jobs } = this.cluster;
    if (!jobs) throw new VedetteError('UNSUPPORTED', 'this process has no job queue: ask one of role console');
    return jobs;
  }

  async sampleEvents(uid: string, limit: number): Promise<Record<string, unknown>[]> {
    const alert = await this.alerts.get(uid);
    if (!alert) throw new VedetteError('NOT_FOUND', `there is no alert ${uid}`);
    const { olap } = this.cluster.servers;
    return olap.query(`SELECT * FROM (${rawRowsSql(alert.episode)}) LIMIT {limit:UInt32}`, { limit });
  }

  sql: Backend['sql'] = (statement, parameters, options) => {
    const { clickhouse } = this.cluster.options.config;
    const { views } = this.cluster.servers.olap.databases;
    const server = { endpoint: endpointOf(clickhouse), tls: tlsOf(clickhouse), database: views };
    return readOnlySql(server, statement, parameters, options);
  };

  async ingest(request: Parameters<Backend['ingest']>[0]): ReturnType<Backend['ingest']> {
    const { door } = this.cluster;
    if (!door)
      throw new VedetteError('UNSUPPORTED', 'this process takes no records in: send them to one of role console');
    this.deliveries++;
    const { lines, messages } = await door.deliver(request);
    return { acceptedRecords: lines, messages };
  }

  replayDeadLetters: Backend['replayDeadLetters'] = (filter) => {
    const { pipeline, servers, options } = this.cluster;
    if (!pipeline) throw new VedetteError('UNSUPPORTED', 'this process reads no records: ask one of role console');
    const mappings = csvMappings(options.config);
    return replayDeadLetters({ pipeline, store: servers.deadLetters, mappings }, filter);
  };

  async metrics(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  async notReady(): Promise<string[]> {
    try {
      await this.cluster.servers.olap.query('SELECT 1');
      return [];
    } catch (error) {
      return [`ClickHouse: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  onAlertChange(listener: (uid: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  now(): number {
    return Date.now();
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  async status(): Promise<Status> {
    const { cluster } = this;
    const { pipeline, servers } = cluster;
    const { log } = servers;
    const counts = await this.alerts.counts();
    const letters = await this.deadLetters.counts();
    const stages1 = this.owned().flatMap(({ owned }) => (owned.stage === 1 ? [owned.parts.worker.state] : []));
    const stages2 = this.owned().flatMap(({ owned }) => (owned.stage === 2 ? [owned.parts.worker.state] : []));
    const sum = <T>(list: readonly T[], of: (each: T) => number): number =>
      list.reduce((total, each) => total + of(each), 0);
    return {
      version: VERSION,
      startedMs: this.startedMs,
      dataDir: `cluster ${cluster.options.config.kafka.prefix}, this process: ${[...cluster.options.roles].join(', ')}`,
      isSample: false,
      sources: pipeline ? sourceStatuses(pipeline, () => 0) : [],
      note: noteOf([...cluster.options.roles].join(', ')),
      eventsPerSecond: this.stored.rates.perSecond,
      totals: {
        events: this.stored.total,
        late: pipeline?.counters.late ?? 0,
        deadLetters: sum(Object.values(letters), (count) => count),
        duplicates: sum(stages1, (state) => state.counters.duplicates),
      },
      partitions: await this.partitions(),
      sink: await Promise.all(
        SINK_ROUTES.flatMap(({ topic }) =>
          Array.from({ length: log.partitions(topic) }, async (_, partition) => ({
            topic,
            partition,
            offset:
              (await log.committed(SINK_GROUP, topic, partition))?.offset ?? log.bounds(topic, partition).earliest,
            end: log.bounds(topic, partition).end,
          })),
        ),
      ),
      olap: {
        state: (await this.notReady()).length === 0 ? 'ready' : 'away',
        restarts: 0,
        tables: (await storageByTable(servers.olap)).map(({ table, rows, sizeBytes }) => ({
          name: table,
          rows,
          bytes: sizeBytes,
        })),
      },
      logBytes: 0,
      entities: {
        hosts: sum(stages1, (state) => state.traffic.cold.count),
        devices: sum(stages1, (state) => state.devices.rows.count),
        series: sum(stages1, (state) => state.series.rows.count),
        targets: sum(stages2, (state) => state.targets.count),
      },
      alerts: { open: counts.open, total: counts.total },
      dropped: {
        after_close: sum(stages1, (state) => state.counters.afterClose),
        sink_corrupt: cluster.sinkCounters.corrupt,
      },
      advice: [],
      arrivals: this.stored.rates.lastHour(Date.now()),
    };
  }

  private owned(): readonly { readonly partition: number; readonly owned: OwnedStage }[] {
    return this.cluster.stages.running;
  }

  /** Every partition, as far as its last checkpoint says; of those that are here, as they are now. */
  private async partitions(): Promise<Status['partitions']> {
    const { log } = this.cluster.servers;
    const here = new Map(this.owned().map(({ partition, owned }) => [`${owned.stage}/${partition}`, owned]));
    const checkpoints = await this.cluster.servers.listCheckpoints();
    const all = ([1, 2] as const).flatMap((stage) => {
      const topic = stage === 1 ? EVENTS_TOPIC : PARTIALS_TOPIC;
      return Array.from({ length: log.partitions(topic) }, (_, partition) => ({ stage, topic, partition }));
    });
    return Promise.all(
      all.map(async ({ stage, topic, partition }) => {
        const { end, earliest } = log.bounds(topic, partition);
        const owned = here.get(`${stage}/${partition}`);
        if (!owned) {
          const offset = (await log.committed(STREAM_GROUP, topic, partition))?.offset ?? earliest;
          const { committedMs: atMs, sizeBytes = 0 } = checkpoints.get(checkpointKey(stage, partition)) ?? {};
          return {
            stage,
            partition,
            offset,
            end,
            ...(atMs === undefined ? {} : { checkpoint: { atMs, offset, sizeBytes } }),
          };
        }
        const { runner, worker } = owned.parts;
        const { closedBelow } = worker.state;
        return {
          stage,
          partition,
          offset: runner.status.offset,
          end,
          ...(Number.isFinite(closedBelow) ? { closedUpToMs: closedBelow * PANE_MS } : {}),
          ...(runner.status.checkpoint ? { checkpoint: runner.status.checkpoint } : {}),
        };
      }),
    );
  }

  /** Tells listeners what changed among the newest alerts: the processes that change them are others. */
  private async watch(): Promise<void> {
    const { alerts } = await this.alerts.list({}, { limit: WATCHED });
    const isFirst = this.seen.size === 0;
    for (const { episode, triage } of alerts) {
      const version = `${episode.revision}/${triage.version}`;
      if (this.seen.get(episode.uid) === version) continue;
      this.seen.set(episode.uid, version);
      if (!isFirst) for (const listener of this.listeners) listener(episode.uid);
    }
    const kept = new Set(alerts.map(({ episode }) => episode.uid));
    for (const uid of this.seen.keys()) if (!kept.has(uid)) this.seen.delete(uid);
  }
}

/** What of a status is the cluster's, and what is not. */
function noteOf(roles: string): string {
  return (
    'of the whole cluster: events and their rate (as they are stored in ClickHouse), partitions, tables, alerts, dead ' +
    `letters; of this process alone (${roles}): sources, late, duplicates, entities, drops, closed panes. ` +
    '`vedette topology` shows who works on what, /metrics of each process the rest'
  );
}
