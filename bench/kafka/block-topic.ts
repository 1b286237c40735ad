import { createClusterPipeline } from '../../cli/cluster-roles.ts';
import { openClusterServers } from '../../cli/compose-cluster.ts';
import type { Config } from '../../config/schema.ts';
import { mergeSources } from '../../ingest/merge.ts';
import type { ByteSource, Chunk } from '../../ingest/sources/chunk.ts';
import { generateFlows } from '../../sample/load-generator.ts';
import { countLines, type LoadSpec, synLine } from '../load.ts';

/** An hour that ends in the middle of the load, so that every window closes in it. */
const HOUR_END_MS = Date.UTC(2026, 0, 5, 10);
const FLOOD_SYNS_PER_MS = 1;
const FLOOD_MS = 15_000;
/** Where the floods begin, as shares of the load. */
const FLOOD_STARTS = [0.15, 0.4, 0.65];

/** The load of the other benchmarks, made while it is read: in memory it would take gigabytes. */
function* streamLoad(spec: LoadSpec): Generator<Uint8Array> {
  const spanMs = spec.events / spec.eventsPerMs;
  const startMs = HOUR_END_MS - Math.floor(spanMs / 2);
  let events = 0;
  let sources = 0;
  const flows = generateFlows({ ...spec, zipf: 1.1, seed: 7, count: spec.events, startMs, format: 'zeek-json' });
  for (const chunk of flows) {
    const fromMs = startMs + events / spec.eventsPerMs;
    events += countLines(chunk);
    const toMs = startMs + events / spec.eventsPerMs;
    yield chunk;
    for (const [flood, start] of FLOOD_STARTS.entries()) {
      const sinceMs = toMs - (startMs + start * spanMs);
      if (sinceMs < 0 || sinceMs > FLOOD_MS) continue;
      const lines: string[] = [];
      for (let left = (toMs - fromMs) * FLOOD_SYNS_PER_MS; left > 0; left--)
        lines.push(synLine(toMs, sources++, `10.200.0.${flood + 1}`));
      yield Buffer.from(lines.join(''));
    }
  }
}

function sourceOf(chunks: Generator<Uint8Array>): ByteSource {
  let position = 0;
  let next = chunks.next();
  return {
    next: () => {
      if (next.done === true) return Promise.resolve(undefined);
      const bytes = next.value;
      next = chunks.next();
      const chunk: Chunk = { bytes, position, incarnation: 'load', path: 'conn.log', last: next.done === true };
      position += bytes.length;
      return Promise.resolve(chunk);
    },
    close: () => Promise.resolve(),
  };
}

/** Fills the topic of events through ingest, as the role of that name does. Gives the number of events. */
export async function fillBlocks(input: { readonly config: Config; readonly load: LoadSpec }): Promise<number> {
  const { config, load } = input;
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const servers = await openClusterServers({ config, onNotice: () => undefined }, closers);
    const pipeline = await createClusterPipeline({ config, servers, onNotice: () => undefined }, undefined);
    await mergeSources([{ source: sourceOf(streamLoad(load)), options: { mappings: [] } }], pipeline, async () => {
      if (pipeline.isFull) await pipeline.flush();
      // What is appended leaves when the connections have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    });
    pipeline.end();
    await pipeline.flush();
    return pipeline.counters.events;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
