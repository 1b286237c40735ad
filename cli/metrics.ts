import { Counter, Gauge, Registry } from 'prom-client';
import type { Embedded } from './embedded.ts';

type Labels = Record<string, string>;
type Sample = readonly [labels: Labels, value: number];

/** Counters of every hop, with a reason at every drop, read from the pipeline when somebody asks. */
export function createMetrics(instance: Embedded, extra: { httpRequests: () => number }): Registry {
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
  const { pipeline, log, stage1, stage2, sinkCounters, child, webhooks } = instance;
  const none: Labels = {};

  add('counter', 'ingest_events_total', 'Events appended to the log', [], () => [[none, pipeline.counters.events]]);
  add('counter', 'ingest_late_total', 'Of these, older than the watermark', [], () => [[none, pipeline.counters.late]]);
  add('counter', 'ingest_dead_letters_total', 'Records that could not be read', ['reason'], () =>
    Object.entries(pipeline.counters.deadLetters).map(([reason, count]) => [{ reason }, count]),
  );
  add('counter', 'ingest_deliveries_total', 'Requests to the HTTP door', [], () => [[none, extra.httpRequests()]]);
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
  add('gauge', 'log_bytes', 'Bytes of the event log on disk', [], () => [[none, log.stats().diskBytes]]);
  add('counter', 'log_dropped_records_total', 'Records dropped by retention', ['reason'], () => {
    const { droppedRecords, droppedUnread } = log.stats();
    return [
      [{ reason: 'retention' }, droppedRecords - droppedUnread],
      [{ reason: 'unread' }, droppedUnread],
    ];
  });
  add('counter', 'stream_rows_total', 'Rows that stage 1 took', ['partition'], () =>
    stage1.map(({ worker }, i) => [{ partition: String(i) }, worker.state.counters.rows]),
  );
  add('counter', 'stream_skipped_total', 'Rows that stage 1 did not count', ['reason'], () => {
    const sum = (key: 'duplicates' | 'late' | 'afterClose'): number =>
      stage1.reduce((total, { worker }) => total + worker.state.counters[key], 0);
    return [
      [{ reason: 'duplicate' }, sum('duplicates')],
      [{ reason: 'late' }, sum('late')],
      [{ reason: 'after_close' }, sum('afterClose')],
    ];
  });
  add('counter', 'stream_entities_dropped_total', 'Entities without state', ['reason'], () => {
    const evicted = stage1.reduce((total, { worker }) => total + worker.state.traffic.counters.evicted, 0);
    const refused = stage1.reduce((total, { worker }) => total + worker.state.traffic.counters.refusedNew, 0);
    return [
      [{ reason: 'evicted' }, evicted + stage2.reduce((total, { worker }) => total + worker.state.counters.evicted, 0)],
      [{ reason: 'too_many_new' }, refused],
    ];
  });
  add('gauge', 'stream_entities', 'Entities with state', ['kind'], () => {
    const sum = (of: (state: (typeof stage1)[number]['worker']['state']) => number): number =>
      stage1.reduce((total, { worker }) => total + of(worker.state), 0);
    return [
      [{ kind: 'host' }, sum((state) => state.traffic.cold.count)],
      [{ kind: 'active_host' }, sum((state) => state.traffic.hot.count)],
      [{ kind: 'device' }, sum((state) => state.devices.rows.count)],
      [{ kind: 'series' }, sum((state) => state.series.rows.count)],
      [{ kind: 'target' }, stage2.reduce((total, { worker }) => total + worker.state.targets.count, 0)],
    ];
  });
  add('counter', 'stream_findings_total', 'Findings that stage 2 took', [], () => [
    [none, stage2.reduce((total, { worker }) => total + worker.state.counters.findings, 0)],
  ]);
  const lanes = (): { stage: string; partition: string; lag: number; ageMs: number | undefined }[] =>
    [
      { stage: '1', topic: 'events', list: stage1 },
      { stage: '2', topic: 'partials', list: stage2 },
    ].flatMap(({ stage, topic, list }) =>
      list.map(({ runner }, i) => ({
        stage,
        partition: String(i),
        lag: log.bounds(topic, i).end - runner.status.offset,
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
  add('gauge', 'olap_up', 'Whether the ClickHouse server answers', [], () => [[none, child.state === 'ready' ? 1 : 0]]);
  add('counter', 'olap_restarts_total', 'Times it had to be started again', [], () => [[none, child.restarts]]);
  add('counter', 'webhook_deliveries_total', 'Notifications', ['result'], () =>
    (['queued', 'sent', 'failed', 'expired', 'overflow'] as const).map((result) => [
      { result },
      webhooks.reduce((total, { counters }) => total + counters[result], 0),
    ]),
  );
  add('gauge', 'process_resident_bytes', 'Resident memory of this process', [], () => [
    [none, process.memoryUsage.rss()],
  ]);
  return registry;
}
