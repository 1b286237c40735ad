import { Counter, Gauge, Registry } from 'prom-client';
import type { Webhook } from '../alerts/webhook.ts';
import type { IngestPipeline } from '../ingest/pipeline.ts';
import type { EventLog } from '../log/event-log.ts';
import type { MirrorCounters } from '../mirror/partition-mirror.ts';
import type { SinkCounters } from './sink-counters.ts';
import type { Stage1Runner, Stage2Runner } from './stage-factory.ts';

/** What this process has of the pipeline; the lists change while partitions come and go. */
export interface MeasuredParts {
  readonly pipeline?: IngestPipeline;
  readonly log: Pick<EventLog, 'bounds'>;
  /** Of a log in this process. */
  readonly logStats?: () => { diskBytes: number; droppedRecords: number; droppedUnread: number };
  stage1(): readonly (Stage1Runner & { readonly partition: number })[];
  stage2(): readonly (Stage2Runner & { readonly partition: number })[];
  readonly sinkCounters: SinkCounters;
  /** Of a ClickHouse server that is this process's child. */
  readonly child?: { readonly state: string; readonly restarts: number };
  /** Of a process with the role mirror. */
  readonly mirror?: MirrorCounters;
  webhooks(): readonly Pick<Webhook, 'counters'>[];
  httpRequests(): number;
}

type Labels = Record<string, string>;
type Sample = readonly [labels: Labels, value: number];

/** Counters of every hop, with a reason at every drop, read from the pipeline when somebody asks. */
export function createMetrics(parts: MeasuredParts): Registry {
  const registry = new Registry();
  const add = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    labelNames: string[],
    read: () => Sample[],
  ): void => {
    const Metric = kind === 'counter' ? Counter : Gauge;
    new Metric({
      name: `vedette_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  };
  const { pipeline, log, logStats, sinkCounters, mirror, child } = parts;
  const none: Labels = {};

  if (pipeline) {
    add('counter', 'ingest_events_total', 'Events appended to the log', [], () => [[none, pipeline.counters.events]]);
    add('counter', 'ingest_late_total', 'Of these, older than the watermark', [], () => [
      [none, pipeline.counters.late],
    ]);
    add('counter', 'ingest_dead_letters_total', 'Records that could not be read', ['reason'], () =>
      Object.entries(pipeline.counters.deadLetters).map(([reason, count]) => [{ reason }, count]),
    );
    add('counter', 'ingest_deliveries_total', 'Requests to the HTTP door', [], () => [[none, parts.httpRequests()]]);
    add('gauge', 'source_watermark_seconds', 'Event time up to which a source is complete', ['source'], () =>
      [...pipeline.sources.values()]
        .filter(({ clock }) => Number.isFinite(clock.tickMs))
        .slice(0, 200)
        .map(({ id, clock }) => [{ source: id }, clock.tickMs / 1000]),
    );
    add('gauge', 'sources', 'Sources by state', ['state'], () => {
      const states = new Map<string, number>();
      for (const { state } of pipeline.sources.values()) states.set(state, (states.get(state) ?? 0) + 1);
      return [...states].map(([state, count]) => [{ state }, count]);
    });
  }
  if (logStats) {
    add('gauge', 'log_bytes', 'Bytes of the event log on disk', [], () => [[none, logStats().diskBytes]]);
    add('counter', 'log_dropped_records_total', 'Records dropped by retention', ['reason'], () => {
      const { droppedRecords, droppedUnread } = logStats();
      return [
        [{ reason: 'retention' }, droppedRecords - droppedUnread],
        [{ reason: 'unread' }, droppedUnread],
      ];
    });
  }
  add('counter', 'stream_rows_total', 'Rows that stage 1 took', ['partition'], () =>
    parts.stage1().map(({ worker, partition }) => [{ partition: String(partition) }, worker.state.counters.rows]),
  );
  add('counter', 'stream_skipped_total', 'Rows that stage 1 did not count', ['reason'], () => {
    const sum = (key: 'duplicates' | 'late' | 'afterClose'): number =>
      parts.stage1().reduce((total, { worker }) => total + worker.state.counters[key], 0);
    return [
      [{ reason: 'duplicate' }, sum('duplicates')],
      [{ reason: 'late' }, sum('late')],
      [{ reason: 'after_close' }, sum('afterClose')],
    ];
  });
  add('counter', 'stream_entities_dropped_total', 'Entities without state', ['reason'], () => {
    const evicted = parts.stage1().reduce((total, { worker }) => total + worker.state.traffic.counters.evicted, 0);
    const refused = parts.stage1().reduce((total, { worker }) => total + worker.state.traffic.counters.refusedNew, 0);
    return [
      [
        { reason: 'evicted' },
        evicted + parts.stage2().reduce((total, { worker }) => total + worker.state.counters.evicted, 0),
      ],
      [{ reason: 'too_many_new' }, refused],
    ];
  });
  add('gauge', 'stream_entities', 'Entities with state', ['kind'], () => {
    const sum = (of: (state: Stage1Runner['worker']['state']) => number): number =>
      parts.stage1().reduce((total, { worker }) => total + of(worker.state), 0);
    return [
      [{ kind: 'host' }, sum((state) => state.traffic.cold.count)],
      [{ kind: 'active_host' }, sum((state) => state.traffic.hot.count)],
      [{ kind: 'device' }, sum((state) => state.devices.rows.count)],
      [{ kind: 'series' }, sum((state) => state.series.rows.count)],
      [{ kind: 'target' }, parts.stage2().reduce((total, { worker }) => total + worker.state.targets.count, 0)],
    ];
  });
  add('counter', 'stream_findings_total', 'Findings that stage 2 took', [], () => [
    [none, parts.stage2().reduce((total, { worker }) => total + worker.state.counters.findings, 0)],
  ]);
  const lanes = (): { stage: string; partition: string; lag: number; ageMs: number | undefined }[] =>
    [
      { stage: '1', topic: 'events', list: parts.stage1() },
      { stage: '2', topic: 'partials', list: parts.stage2() },
    ].flatMap(({ stage, topic, list }) =>
      list.map(({ runner, partition }) => ({
        stage,
        partition: String(partition),
        lag: log.bounds(topic, partition).end - runner.status.offset,
        ageMs: runner.status.checkpoint && Date.now() - runner.status.checkpoint.atMs,
      })),
    );
  add('gauge', 'stream_lag_records', 'Records of the log not taken yet', ['stage', 'partition'], () =>
    lanes().map(({ stage, partition, lag }) => [{ stage, partition }, lag]),
  );
  add('gauge', 'stream_checkpoint_age_seconds', 'Age of the last checkpoint', ['stage', 'partition'], () =>
    lanes().flatMap(({ stage, partition, ageMs }) =>
      ageMs === undefined ? [] : [[{ stage, partition }, ageMs / 1000]],
    ),
  );
  add('counter', 'sink_rows_total', 'Rows stored in ClickHouse', [], () => [[none, sinkCounters.rows]]);
  add('counter', 'sink_inserts_total', 'Inserts', [], () => [[none, sinkCounters.inserts]]);
  add('counter', 'sink_retries_total', 'Inserts that had to be tried again', [], () => [[none, sinkCounters.retries]]);
  add('counter', 'sink_skipped_total', 'Rows or records that were not stored', ['reason'], () => [
    [{ reason: 'duplicate_row' }, sinkCounters.duplicates],
    [{ reason: 'corrupt_record' }, sinkCounters.corrupt],
    [{ reason: 'dropped_by_retention' }, sinkCounters.lost],
  ]);
  if (mirror) {
    add('counter', 'mirror_events_total', 'Events written into the mirror, repeated ones as well', [], () => [
      [none, mirror.events],
    ]);
    add('counter', 'mirror_bytes_total', 'Their JSON', [], () => [[none, mirror.bytes]]);
    add('counter', 'mirror_skipped_total', 'Events or records that are not in the mirror', ['reason'], () => [
      [{ reason: 'too_large_event' }, mirror.refused],
      [{ reason: 'corrupt_record' }, mirror.corrupt],
      [{ reason: 'dropped_by_retention' }, mirror.lost],
    ]);
  }
  if (child) {
    add('gauge', 'olap_up', 'Whether the ClickHouse server answers', [], () => [
      [none, child.state === 'ready' ? 1 : 0],
    ]);
    add('counter', 'olap_restarts_total', 'Times it had to be started again', [], () => [[none, child.restarts]]);
  }
  add('counter', 'webhook_deliveries_total', 'Notifications', ['result'], () =>
    (['queued', 'sent', 'failed', 'expired', 'overflow'] as const).map((result) => [
      { result },
      parts.webhooks().reduce((total, { counters }) => total + counters[result], 0),
    ]),
  );
  add('gauge', 'process_resident_bytes', 'Resident memory of this process', [], () => [
    [none, process.memoryUsage.rss()],
  ]);
  return registry;
}
