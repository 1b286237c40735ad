import { rawRowsSql } from '../alerts/raw-rows-sql.ts';
import type { AlertStore } from '../alerts/alert.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import type { Backend, Status } from '../console/backend.ts';
import { HttpDoor } from '../ingest/http-door.ts';
import { replayDeadLetters } from '../ingest/replay.ts';
import { VedetteError } from '../model/errors.ts';
import { storageByTable } from '../olap/storage.ts';
import { PANE_MS } from '../stream/time.ts';
import { withHistory } from './alert-history.ts';
import { ArrivalRates } from './arrival-rates.ts';
import type { Embedded } from './embedded.ts';
import { createMetrics } from './metrics.ts';
import { readOnlySql } from './read-only-sql.ts';
import { sourceStatuses } from './source-statuses.ts';
import { SINK_ROUTES } from './topics.ts';
import { VERSION } from './version.ts';

/** Nothing for so long is worth a word, ms. */
const QUIET_MS = 60_000;

/** The console's backend over the embedded pipeline. */
export class EmbeddedBackend implements Backend {
  readonly alerts: AlertStore;
  private readonly instance: Embedded;
  private readonly isSample: boolean;
  private readonly startedMs = Date.now();
  private readonly rates = new ArrivalRates();
  private readonly sourceRates = new Map<string, ArrivalRates>();
  private readonly door: HttpDoor;
  private readonly registry: ReturnType<typeof createMetrics>;
  private readonly sampler: NodeJS.Timeout;
  private deliveries = 0;

  constructor(instance: Embedded, options: { isSample: boolean }) {
    this.instance = instance;
    this.isSample = options.isSample;
    this.door = new HttpDoor({
      pipeline: instance.pipeline,
      states: instance.sourceStates,
      mappings: csvMappings(instance.options.config),
    });
    const numbered = <T extends object>(list: readonly T[]): (T & { partition: number })[] =>
      list.map((each, partition) => ({ ...each, partition }));
    this.registry = createMetrics({
      pipeline: instance.pipeline,
      log: instance.log,
      logStats: () => instance.log.stats(),
      stage1: () => numbered(instance.stage1),
      stage2: () => numbered(instance.stage2),
      sinkCounters: instance.sinkCounters,
      child: instance.child,
      webhooks: () => instance.webhooks,
      httpRequests: () => this.deliveries,
    });
    this.alerts = withHistory(instance.alerts, instance.publisher);
    this.sampler = setInterval(() => this.sample(), 1000);
    this.sampler.unref();
  }

  get deadLetters(): Backend['deadLetters'] {
    return this.instance.deadLetters;
  }

  get jobs(): Backend['jobs'] {
    return this.instance.jobs.desk;
  }

  async sampleEvents(uid: string, limit: number): Promise<Record<string, unknown>[]> {
    const alert = await this.alerts.get(uid);
    if (!alert) throw new VedetteError('NOT_FOUND', `there is no alert ${uid}`);
    return this.instance.olap.query(`SELECT * FROM (${rawRowsSql(alert.episode)}) LIMIT {limit:UInt32}`, { limit });
  }

  sql: Backend['sql'] = (statement, parameters, options) =>
    readOnlySql({ endpoint: this.instance.child.endpoint }, statement, parameters, options);

  async ingest(request: Parameters<Backend['ingest']>[0]): ReturnType<Backend['ingest']> {
    this.deliveries++;
    return this.door.deliver(request);
  }

  replayDeadLetters: Backend['replayDeadLetters'] = (filter) => {
    const { pipeline, deadLetters, options } = this.instance;
    return replayDeadLetters({ pipeline, store: deadLetters, mappings: csvMappings(options.config) }, filter);
  };

  async metrics(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  async notReady(): Promise<string[]> {
    const { child } = this.instance;
    return child.state === 'ready' ? [] : [`the ClickHouse server is ${child.state}; its log is ${child.logFile}`];
  }

  onAlertChange(listener: (uid: string) => void): () => void {
    return this.instance.publisher.onChange(listener);
  }

  now(): number {
    return Date.now();
  }

  close(): void {
    clearInterval(this.sampler);
  }

  async status(): Promise<Status> {
    const { instance } = this;
    const { pipeline, log, stage1, stage2, child } = instance;
    const counts = await this.alerts.counts();
    const sum = (of: (state: (typeof stage1)[number]['worker']['state']) => number): number =>
      stage1.reduce((total, { worker }) => total + of(worker.state), 0);
    const logStats = log.stats();
    const letters = await this.deadLetters.counts();
    return {
      version: VERSION,
      startedMs: this.startedMs,
      dataDir: instance.options.dataDir,
      isSample: this.isSample,
      sources: sourceStatuses(instance.pipeline, (id) => this.sourceRates.get(id)?.perSecond ?? 0),
      eventsPerSecond: this.rates.perSecond,
      totals: {
        events: pipeline.counters.events,
        late: pipeline.counters.late,
        deadLetters: Object.values(letters).reduce((total, count) => total + count, 0),
        duplicates: sum((state) => state.counters.duplicates),
      },
      partitions: this.partitions(),
      sink: SINK_ROUTES.flatMap(({ topic }) =>
        Array.from({ length: log.partitions(topic) }, (_, partition) => ({
          topic,
          partition,
          offset: instance.sink.acknowledged(topic, partition),
          end: log.bounds(topic, partition).end,
        })),
      ),
      olap: {
        state: child.state,
        restarts: child.restarts,
        tables: (child.state === 'ready' ? await storageByTable(instance.olap) : []).map((table) => ({
          name: table.table,
          rows: table.rows,
          bytes: table.sizeBytes,
        })),
      },
      logBytes: logStats.diskBytes,
      entities: {
        hosts: sum((state) => state.traffic.cold.count),
        devices: sum((state) => state.devices.rows.count),
        series: sum((state) => state.series.rows.count),
        targets: stage2.reduce((total, { worker }) => total + worker.state.targets.count, 0),
      },
      alerts: { open: counts.open, total: counts.total },
      dropped: {
        log_unread: logStats.droppedUnread,
        hosts_evicted: sum((state) => state.traffic.counters.evicted),
        hosts_refused: sum((state) => state.traffic.counters.refusedNew),
        pairs_over_budget: sum((state) => state.traffic.contacts.overBudget),
        readings_out_of_order: sum((state) => state.series.counters.outOfOrder),
        after_close: sum((state) => state.counters.afterClose),
        sink_corrupt: instance.sinkCounters.corrupt,
      },
      advice: this.advice(letters),
      arrivals: this.rates.lastHour(Date.now()),
    };
  }

  private partitions(): Status['partitions'] {
    const { log, stage1, stage2 } = this.instance;
    const of = (
      stage: 1 | 2,
      topic: string,
      list: readonly {
        runner: { status: { offset: number; checkpoint?: NonNullable<Status['partitions'][number]['checkpoint']> } };
        worker: { state: { closedBelow: number } };
      }[],
    ): Status['partitions'] =>
      list.map(({ runner, worker }, partition) => ({
        stage,
        partition,
        offset: runner.status.offset,
        end: log.bounds(topic, partition).end,
        ...(Number.isFinite(worker.state.closedBelow) ? { closedUpToMs: worker.state.closedBelow * PANE_MS } : {}),
        ...(runner.status.checkpoint ? { checkpoint: runner.status.checkpoint } : {}),
      }));
    return [...of(1, 'events', stage1), ...of(2, 'partials', stage2)];
  }

  private advice(letters: Readonly<Record<string, number>>): string[] {
    const { pipeline, child, options } = this.instance;
    const advice: string[] = [];
    const newest = Math.max(-Infinity, ...[...pipeline.sources.values()].map(({ lastReceivedMs }) => lastReceivedMs));
    const { follow } = options.config.sources;
    if (pipeline.counters.events === 0 && !this.isSample) {
      advice.push(
        'Nothing has arrived yet. Send records to POST /api/v1/ingest, or name files under sources.follow in the configuration.',
      );
      if (follow.length > 0)
        advice.push(
          `Followed: ${follow.map(({ path }) => path).join(', ')}. Do these paths exist, and may this user read them?`,
        );
      const refused = Object.entries(letters);
      if (refused.length > 0)
        advice.push(
          `Records came but could not be read (${refused.map(([reason, n]) => `${reason}: ${n}`).join(', ')}): see the dead letters.`,
        );
    } else if (newest !== -Infinity && Date.now() - newest > QUIET_MS) {
      advice.push(
        `Nothing has arrived for ${Math.round((Date.now() - newest) / 60_000)} min. Is the shipper running, and does it still have the right address?`,
      );
    }
    if (child.state !== 'ready')
      advice.push(
        `The ClickHouse server is ${child.state}: rows wait in the log until it answers. Its own log: ${child.logFile}.`,
      );
    return advice;
  }

  private sample(): void {
    const { pipeline } = this.instance;
    const now = Date.now();
    this.rates.sample(pipeline.counters.events, now);
    for (const source of pipeline.sources.values()) {
      let rates = this.sourceRates.get(source.id);
      if (!rates) this.sourceRates.set(source.id, (rates = new ArrivalRates()));
      rates.sample(source.counters.events, now);
    }
    for (const id of this.sourceRates.keys()) if (!pipeline.sources.has(id)) this.sourceRates.delete(id);
  }
}
