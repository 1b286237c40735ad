import { rm } from 'node:fs/promises';
import { feedRawRows } from '../batch/jobs/raw-feed.ts';
import type { ReplayedAlert, ReplayOutcome, ReplayPlan } from '../batch/jobs/replay-raw.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import type { Config } from '../config/schema.ts';
import { VedetteError, type ErrorCode } from '../model/errors.ts';
import { OlapClient } from '../olap/client.ts';
import { rawSources, readRawRows } from '../olap/raw-rows.ts';
import { allAlerts } from './analyze-run.ts';
import { openReplayHeaders, type ReplayStore } from './compose-replay.ts';
import { Embedded } from './embedded.ts';

/** What the process is sent first. */
export interface ReplayOrder {
  readonly plan: ReplayPlan;
  readonly config: Config;
  readonly store: ReplayStore;
}

/** What it sends. */
export type ReplayReport =
  | { readonly kind: 'progress'; readonly rows: number; readonly totalRows: number }
  | { readonly kind: 'notice'; readonly level: 'warn' | 'error'; readonly message: string }
  | { readonly kind: 'done'; readonly outcome: ReplayOutcome }
  | { readonly kind: 'failed'; readonly code: ErrorCode | ''; readonly message: string };

/** Blocks that may wait between ingest and stage 1. */
const MAX_BACKLOG = 64;
/** The second ClickHouse server stands beside the live one. */
const OLAP_BYTES = 400 * 1024 ** 2;

/** The rows are read as fast as they are worked on. */
const READ_MS = 3_600_000;

const ending = new AbortController();
// Whoever asked is gone, and with it the store that is read from.
process.on('disconnect', () => process.exit(1));
process.on('SIGTERM', () => ending.abort(new Error('told to end')));
process.on('SIGINT', () => undefined);
process.once('message', (order: ReplayOrder) => {
  void replay(order)
    .then((outcome): ReplayReport => ({ kind: 'done', outcome }))
    .catch((error: unknown): ReplayReport => {
      const message = error instanceof Error ? error.message : String(error);
      return { kind: 'failed', code: error instanceof VedetteError ? error.code : '', message };
    })
    .then((report) => process.send?.(report, () => process.exit(0)));
});

async function replay({ plan, config, store }: ReplayOrder): Promise<ReplayOutcome> {
  const { endpoint, ...access } = store.olap;
  const live = new OlapClient({ ...access, endpoint: () => endpoint, timeoutMs: READ_MS });
  const reader = await openReplayHeaders(store.headers);
  try {
    const range = { fromMs: plan.fromMs, toMs: plan.toMs };
    const sources = await rawSources(live, range);
    if (sources.length === 0) throw new VedetteError('BAD_REQUEST', 'nothing is stored between these times');
    const totalRows = sources.reduce((sum, { rows }) => sum + rows, 0);
    await rm(plan.dataDir, { recursive: true, force: true });
    let nowMs = 0;
    const instance = await Embedded.start({
      dataDir: plan.dataDir,
      config: quietly(config),
      // What a crash of the machine takes is made again by the same job.
      fsync: 'never',
      now: () => nowMs,
      onNotice: (level, message) => {
        if (level !== 'info') process.send?.({ kind: 'notice', level, message } satisfies ReplayReport);
      },
    });
    try {
      const { pipeline } = instance;
      let told = 0;
      const counts = await feedRawRows({
        pipeline,
        mappings: csvMappings(config),
        headers: reader.headers,
        sources,
        rows: readRawRows(live, range, ending.signal),
        setNow: (receivedMs) => (nowMs = receivedMs),
        breathe: async (rows) => {
          ending.signal.throwIfAborted();
          if (pipeline.isFull || instance.backlog > MAX_BACKLOG) await pipeline.flush();
          while (instance.backlog > MAX_BACKLOG) await Promise.race([pause(2), instance.failed]);
          if (rows - told < totalRows / 200) return;
          told = rows;
          process.send?.({ kind: 'progress', rows, totalRows } satisfies ReplayReport);
        },
      });
      pipeline.end();
      await pipeline.flush();
      await instance.drain();
      const { events, late, deadLetters } = pipeline.counters;
      return {
        ...counts,
        sources: sources.length,
        events,
        late,
        deadLetters: { ...deadLetters },
        duplicates: instance.stage1.reduce((sum, { worker }) => sum + worker.state.counters.duplicates, 0),
        alerts: (await allAlerts(instance)).map(({ episode }): ReplayedAlert => {
          const { uid, family, entity, severity, firstPaneMs } = episode;
          return { uid, family, entity, severity, firstPaneMs };
        }),
      };
    } finally {
      await instance.stop();
    }
  } finally {
    await reader.close();
    await live.close();
  }
}

/** Nobody is told of an alert that was told before. */
function quietly(config: Config): Config {
  return {
    ...config,
    alerts: { ...config.alerts, webhooks: [] },
    olap: { ...config.olap, memoryBytes: Math.min(config.olap.memoryBytes, OLAP_BYTES) },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
