import { z } from 'zod';
import type { AlertStore } from '../../alerts/alert.ts';
import { VedetteError } from '../../model/errors.ts';
import type { JsonObject, Processor } from '../job-queue.ts';
import { parseJob } from './job-data.ts';

export const REPLAY_RAW = 'replay-raw';

/** Differences that the result names; the rest is counted. */
const MAX_NAMED = 50;
const PAGE = 500;

export const replayRawSchema = z
  .strictObject({
    from: z.iso.datetime({ offset: true }).describe('event time, inclusive'),
    to: z.iso.datetime({ offset: true }).describe('event time, exclusive'),
    name: z
      .string()
      .regex(/^[A-Za-z][\w.-]{0,63}$/, 'write letters, digits, dot, underscore and dash, beginning with a letter')
      .describe('of the results; the same name again begins them afresh'),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'from is not before to');

export interface ReplayPlan {
  readonly name: string;
  /** Folder of the results, which is emptied first. */
  readonly dataDir: string;
  /** Event times, ms: from inclusive, to exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ReplayedAlert {
  readonly uid: string;
  readonly family: string;
  readonly entity: string;
  readonly severity: string;
  readonly firstPaneMs: number;
}

export interface ReplayOutcome {
  /** Rows of the store that were read, and the lines that they were made of. */
  readonly rows: number;
  readonly lines: number;
  readonly sources: number;
  readonly events: number;
  readonly late: number;
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly duplicates: number;
  readonly alerts: readonly ReplayedAlert[];
}

/**
 * Reads the stored lines of a time again and analyses them, with the results in a folder of their own; whoever puts the
 * program together hands it over. It works in another process, so that this one's event loop stays free, and ends when
 * the signal says so. Errors: BAD_REQUEST (nothing is stored there), OLAP_UNAVAILABLE; the signal's reason.
 */
export type RunReplay = (
  plan: ReplayPlan,
  run: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: { readonly rows: number; readonly totalRows: number }) => void;
  },
) => Promise<ReplayOutcome>;

/** Stored lines through ingest, detectors and alerts once more, beside the live results, and what is different then. */
export function replayRawJob(services: {
  readonly run: RunReplay;
  /** The live alerts. */
  readonly alerts: Pick<AlertStore, 'list'>;
  readonly folderOf: (name: string) => string;
}): Processor {
  const busy = new Set<string>();
  return async (run) => {
    const { from, to, name } = parseJob(replayRawSchema, run.job.data);
    if (busy.has(name)) throw new VedetteError('CONFLICT', `another job is filling ${name}`);
    busy.add(name);
    try {
      const plan = { name, dataDir: services.folderOf(name), fromMs: Date.parse(from), toMs: Date.parse(to) };
      const outcome = await services.run(plan, {
        signal: run.signal,
        onProgress: ({ rows, totalRows }) =>
          run.progress(totalRows === 0 ? 0 : (0.95 * rows) / totalRows, `${rows} of ${totalRows} rows`),
      });
      run.progress(0.98, 'comparing alerts');
      const live = await alertsOf(services.alerts, plan);
      run.progress(1, `${outcome.rows} rows`);
      const { alerts: replayed, deadLetters, ...counts } = outcome;
      return {
        name,
        data: plan.dataDir,
        ...counts,
        dead_letters: deadLetters,
        alerts: difference(live, replayed.filter(isWithin(plan))),
      };
    } finally {
      busy.delete(name);
    }
  };
}

function isWithin({ fromMs, toMs }: ReplayPlan): (alert: ReplayedAlert) => boolean {
  return ({ firstPaneMs }) => firstPaneMs >= fromMs && firstPaneMs < toMs;
}

async function alertsOf(store: Pick<AlertStore, 'list'>, plan: ReplayPlan): Promise<ReplayedAlert[]> {
  const found: ReplayedAlert[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(
      { sinceMs: plan.fromMs },
      { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
    );
    for (const { episode } of page.alerts) {
      const { uid, family, entity, severity, firstPaneMs } = episode;
      found.push({ uid, family, entity, severity, firstPaneMs });
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return found.filter(isWithin(plan));
}

/** Alerts are the same where their uid is: the same family about the same entity since the same moment. */
function difference(live: readonly ReplayedAlert[], replayed: readonly ReplayedAlert[]): JsonObject {
  const liveUids = new Set(live.map(({ uid }) => uid));
  const replayedUids = new Set(replayed.map(({ uid }) => uid));
  const onlyLive = live.filter(({ uid }) => !replayedUids.has(uid));
  const onlyReplayed = replayed.filter(({ uid }) => !liveUids.has(uid));
  return {
    live: live.length,
    replayed: replayed.length,
    same: live.length - onlyLive.length,
    only_live: onlyLive.length,
    only_replayed: onlyReplayed.length,
    only_live_first: named(onlyLive),
    only_replayed_first: named(onlyReplayed),
  };
}

function named(alerts: readonly ReplayedAlert[]): JsonObject[] {
  return [...alerts]
    .sort((a, b) => a.firstPaneMs - b.firstPaneMs || (a.uid < b.uid ? -1 : 1))
    .slice(0, MAX_NAMED)
    .map(({ uid, family, entity, severity, firstPaneMs }) => ({
      uid,
      family,
      entity: entity.slice(0, 200),
      severity,
      since: new Date(firstPaneMs).toISOString(),
    }));
}
