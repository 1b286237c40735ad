import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alert } from '../alerts/alert.ts';
import type { Config } from '../config/schema.ts';
import { csvMappings } from '../config/csv-mappings.ts';
import { mergeSources } from '../ingest/merge.ts';
import { collectFiles, type CollectedFiles } from '../ingest/sources/collect-files.ts';
import { FileSetSource } from '../ingest/sources/file-set-source.ts';
import { groupFiles } from '../ingest/sources/file-set.ts';
import { VedetteError } from '../model/errors.ts';
import { Embedded, type EmbeddedOptions } from './embedded.ts';

export interface AnalyzeOptions {
  readonly paths: readonly string[];
  readonly config: Config;
  /** Keeps the store there; undefined: a temporary folder. */
  readonly dataDir?: string;
  readonly format?: string;
  readonly onNotice: EmbeddedOptions['onNotice'];
  readonly onProgress?: (progress: { readBytes: number; totalBytes: number; alerts: number }) => void;
  /** Ends the reading early, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly embedded?: Pick<EmbeddedOptions, 'at' | 'now' | 'sinkLimits'>;
}

export interface AnalyzeSummary {
  readonly events: number;
  readonly recordsByFormat: Readonly<Record<string, number>>;
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly late: number;
  readonly duplicates: number;
  /** Network and DNS records without an internal end. */
  readonly external: number;
  readonly hosts: number;
  readonly targets: number;
  readonly devices: number;
  readonly series: number;
  readonly elapsedMs: number;
  readonly skipped: CollectedFiles['skipped'];
}

/** Records that may wait between ingest and stage 1: bounds memory, and what a crash reads again. */
const MAX_BACKLOG = 64;

/**
 * Reads files and folders as if live, through the very pipeline of `run`, and hands the instance to `use` when every
 * effect of them is stored. Errors: BAD_REQUEST where there is nothing to read.
 */
export async function analyze<T>(
  options: AnalyzeOptions,
  use: (instance: Embedded, summary: AnalyzeSummary) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const files = await collectFiles(options.paths);
  if (files.paths.length === 0) {
    const why = files.skipped.map(({ path, reason }) => `${path}: ${reason}`).join(', ');
    throw new VedetteError('BAD_REQUEST', `there is no log to read${why ? ` (${why})` : ''}`);
  }
  const totalBytes = (await Promise.all(files.paths.map((path) => stat(path)))).reduce(
    (sum, { size }) => sum + size,
    0,
  );
  const isTemporary = options.dataDir === undefined;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'vedette-')));
  try {
    const instance = await Embedded.start({
      dataDir,
      config: options.config,
      fsync: isTemporary ? 'never' : 'group',
      onNotice: options.onNotice,
      ...options.embedded,
    });
    try {
      const recordsByFormat = await read(instance, options, { files, totalBytes });
      const summary = summarise(instance, {
        recordsByFormat,
        skipped: files.skipped,
        elapsedMs: performance.now() - started,
      });
      return await use(instance, summary);
    } finally {
      await instance.stop();
    }
  } finally {
    if (isTemporary) await rm(dataDir, { recursive: true, force: true });
  }
}

async function read(
  instance: Embedded,
  options: AnalyzeOptions,
  input: { files: CollectedFiles; totalBytes: number },
): Promise<Record<string, number>> {
  const { pipeline } = instance;
  const mappings = csvMappings(options.config);
  const counted = new Map<string, { format: string; events: number }>();
  await mergeSources(
    groupFiles(input.files.paths).map((spec) => ({
      source: new FileSetSource(spec),
      options: { mappings, ...(options.format === undefined ? {} : { format: options.format }) },
    })),
    pipeline,
    async ({ readBytes }) => {
      options.signal?.throwIfAborted();
      for (const source of pipeline.sources.values())
        counted.set(source.id, { format: source.format, events: source.counters.events });
      if (pipeline.isFull) await pipeline.flush();
      while (instance.backlog > MAX_BACKLOG) await Promise.race([pause(2), instance.failed]);
      options.onProgress?.({ readBytes, totalBytes: input.totalBytes, alerts: 0 });
    },
  );
  pipeline.end();
  await pipeline.flush();
  await instance.drain();
  const byFormat: Record<string, number> = {};
  for (const { format, events } of counted.values()) byFormat[format] = (byFormat[format] ?? 0) + events;
  return byFormat;
}

/** Every alert, in the order of their beginning. */
export async function allAlerts(instance: Embedded): Promise<Alert[]> {
  const alerts: Alert[] = [];
  let cursor: string | undefined;
  do {
    const page = await instance.alerts.list({}, { limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    alerts.push(...page.alerts);
    cursor = page.next;
  } while (cursor !== undefined);
  return alerts.sort((a, b) => a.episode.sinceMs - b.episode.sinceMs || (a.episode.uid < b.episode.uid ? -1 : 1));
}

function summarise(
  instance: Embedded,
  known: Pick<AnalyzeSummary, 'recordsByFormat' | 'skipped' | 'elapsedMs'>,
): AnalyzeSummary {
  const { events, late, deadLetters } = instance.pipeline.counters;
  const sum = (of: (stage: Embedded['stage1'][number]['worker']['state']) => number): number =>
    instance.stage1.reduce((total, { worker }) => total + of(worker.state), 0);
  return {
    ...known,
    events,
    late,
    deadLetters,
    duplicates: sum((state) => state.counters.duplicates),
    external: sum((state) => state.counters.external),
    hosts: sum((state) => state.traffic.cold.count),
    devices: sum((state) => state.devices.rows.count),
    series: sum((state) => state.series.rows.count),
    targets: instance.stage2.reduce((total, { worker }) => total + worker.state.targets.count, 0),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
