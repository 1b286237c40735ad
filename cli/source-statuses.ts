import type { SourceStatus } from '../console/backend.ts';
import type { IngestPipeline } from '../ingest/pipeline.ts';

/** What arrives from where in this process, ended sources last. */
export function sourceStatuses(pipeline: IngestPipeline, perSecond: (source: string) => number): SourceStatus[] {
  const { sources, ended } = pipeline;
  return [...sources.values(), ...[...ended].reverse()]
    .filter(({ state }) => state !== 'new')
    .map((source) => ({
      source: source.id,
      format: source.format,
      state: source.state === 'new' ? 'active' : source.state,
      ...source.counters,
      eventsPerSecond: perSecond(source.id),
      ...(Number.isFinite(source.lastReceivedMs) ? { lastReceivedMs: source.lastReceivedMs } : {}),
      ...(Number.isFinite(source.clock.tickMs) ? { watermarkMs: source.clock.tickMs } : {}),
    }));
}
