import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Alert, Episode } from '../../alerts/alert.ts';
import type { DetectorLookup } from '../../alerts/detector-info.ts';
import { openLmdbAlertStore } from '../../alerts/lmdb/index.ts';
import type { Backend, IngestRequest, SqlOptions, SqlResult, Status } from '../../console/backend.ts';
import { type ConsoleOptions, createServer } from '../../console/server.ts';
import type { DeadLetter } from '../../ingest/dead-letter.ts';
import type { Processor } from '../../batch/job-queue.ts';
import { openPgliteJobs } from '../../batch/pglite/index.ts';
import { LazyJobs } from '../../cli/lazy-jobs.ts';
import { jobsSchema } from '../../config/jobs.ts';
import { openIngestStores } from '../../ingest/lmdb/index.ts';
import type { VedetteError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { DETECTORS } from '../../stream/detector-registry.ts';

export const NOW_MS = Date.UTC(2026, 10, 21, 14, 30);

export const LOOKUP: DetectorLookup = Object.fromEntries(
  DETECTORS.map(({ name, title, version, analyticType, technique }) => [
    name,
    { title, version, analyticType, technique },
  ]),
);

/** What the parts of the backend that a test can't have for real were asked, and what they answer. */
export interface Fixture {
  readonly server: FastifyInstance;
  readonly backend: Backend;
  readonly ingested: IngestRequest[];
  readonly statements: { statement: string; parameters: Readonly<Record<string, string>>; options: SqlOptions }[];
  readonly replays: unknown[];
  samples: Record<string, unknown>[];
  status: Status;
  notReady: string[];
  sqlResult: SqlResult;
  /** Thrown by the next ingest, statement or sample. */
  failure: VedetteError | Error | undefined;
  /** Stores an episode and tells whoever listens. */
  raise(episode: Episode): Promise<void>;
  putLetter(letter: Partial<Omit<DeadLetter, 'id'>>): Promise<void>;
  changed(uid: string): void;
  close(): Promise<void>;
}

/** The whole server over the real alert and dead letter stores in a temporary folder. */
export async function openFixture(
  options: Partial<ConsoleOptions> & { readonly processors?: Readonly<Record<string, Processor>> } = {},
): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-console-'));
  const alerts = openLmdbAlertStore({ dir: join(dir, 'alerts') });
  const stores = await openIngestStores({ dir: join(dir, 'ingest'), maxLetterBytes: 1 << 20 });
  const listeners = new Set<(uid: string) => void>();
  let position = 0;

  const jobsDir = join(dir, 'jobs');
  const jobs = new LazyJobs({
    exists: () => existsSync(jobsDir),
    open: () => openPgliteJobs({ dir: jobsDir, config: jobsSchema.parse({}), onNotice: () => undefined }),
    processors: options.processors ?? {},
    concurrency: 1,
    onNotice: () => undefined,
  });

  const failing = <T>(value: T): T => {
    if (fixture.failure !== undefined) throw fixture.failure;
    return value;
  };
  const backend: Backend = {
    alerts: {
      ...bound(alerts),
      triage: async (uid, version, change) => {
        const alert: Alert = await alerts.triage(uid, version, change);
        fixture.changed(uid);
        return alert;
      },
    },
    deadLetters: stores.deadLetters,
    jobs: jobs.desk,
    sampleEvents: async (_uid, limit) => failing(fixture.samples.slice(0, limit)),
    sql: async (statement, parameters, sqlOptions) => {
      fixture.statements.push({ statement, parameters, options: sqlOptions });
      return failing(fixture.sqlResult);
    },
    ingest: async (request) => {
      fixture.ingested.push(request);
      return failing({ events: 3, late: 1, deadLetters: 2, replayed: false });
    },
    replayDeadLetters: async (filter) => {
      fixture.replays.push(filter);
      return { replayed: 2, events: 1, deadLetters: 1 };
    },
    status: async () => fixture.status,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'vedette_up 1\n' }),
    notReady: async () => fixture.notReady,
    onAlertChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    now: () => NOW_MS,
  };
  const fixture: Fixture = {
    server: createServer(backend, { detectors: LOOKUP, version: '0.1.0', ...options }),
    backend,
    ingested: [],
    statements: [],
    replays: [],
    samples: [],
    status: statusOf({}),
    notReady: [],
    sqlResult: { contentType: 'application/json', body: '{"data":[]}', rows: 0, elapsedMs: 3.4 },
    failure: undefined,
    raise: async (episode) => {
      await alerts.putEpisodes([episode]);
      fixture.changed(episode.uid);
    },
    putLetter: async (letter) => {
      await stores.deadLetters.put([
        {
          source: 'http',
          position: position++,
          format: 'zeek-json',
          reason: 'not_json',
          receivedMs: NOW_MS - 60_000,
          bytes: Buffer.from('{"ts":'),
          sizeBytes: 6,
          ...letter,
        },
      ]);
    },
    changed: (uid) => listeners.forEach((listener) => listener(uid)),
    close: async () => {
      await fixture.server.close();
      await jobs.close();
      await alerts.close();
      await stores.deadLetters.close();
      await stores.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return fixture;
}

/** A class's methods as an object's, so that one can be put in front of another. */
function bound(alerts: Backend['alerts']): Backend['alerts'] {
  return {
    putEpisodes: (episodes) => alerts.putEpisodes(episodes),
    get: (uid) => alerts.get(uid),
    list: (filter, page) => alerts.list(filter, page),
    counts: () => alerts.counts(),
    triage: (uid, version, change) => alerts.triage(uid, version, change),
    close: () => alerts.close(),
  };
}

export function findingOf(changes: Partial<Finding> = {}): Finding {
  return {
    uid: 'f'.repeat(32),
    detector: 'flood-ceiling',
    detectorVersion: '1',
    family: 'denial-of-service',
    entityKind: 'host',
    entity: '10.0.0.5',
    paneMs: NOW_MS - 600_000,
    sinceMs: NOW_MS - 610_000,
    observed: 1597,
    expected: 3,
    unit: 'packets/s',
    summary: '1,597 SYN-only packets/s (limit 500/s; usual 3/s) from 15,900 sources',
    basis: 'fixed limit of the host group servers',
    ratio: 3.2,
    confidence: 0.93,
    contributions: [
      { feature: 'SYN-only packets', observed: 1597, expected: 3, unit: 'packets/s', share: 0.82 },
      { feature: 'flows', observed: 1590, expected: 12, unit: 'flows/s', share: 0.18 },
    ],
    ...changes,
  };
}

export function episodeOf(changes: Partial<Episode> = {}): Episode {
  const evidence = changes.evidence ?? [findingOf()];
  return {
    uid: 'a1'.repeat(16),
    revision: 1,
    family: 'denial-of-service',
    entityKind: 'host',
    entity: '10.0.0.5',
    isOpen: true,
    severity: 'high',
    confidence: 0.93,
    sinceMs: NOW_MS - 610_000,
    firstPaneMs: NOW_MS - 600_000,
    lastPaneMs: NOW_MS - 20_000,
    findingCount: 58,
    detectors: evidence.map(({ detector }) => detector),
    ...changes,
    evidence,
  };
}

export function statusOf(changes: Partial<Status>): Status {
  return {
    version: '0.1.0',
    startedMs: NOW_MS - 3_600_000,
    dataDir: '/srv/vedette',
    isSample: false,
    sources: [],
    eventsPerSecond: 0,
    totals: { events: 0, late: 0, deadLetters: 0, duplicates: 0 },
    partitions: [],
    sink: [],
    olap: { state: 'running', restarts: 0, tables: [] },
    logBytes: 0,
    entities: { hosts: 0, targets: 0, devices: 0, series: 0 },
    alerts: { open: 0, total: 0 },
    dropped: {},
    advice: [],
    arrivals: [],
    ...changes,
  };
}
