import { createClusterPipeline } from '../../cli/cluster-roles.ts';
import { openClusterServers } from '../../cli/compose-cluster.ts';
import type { Config } from '../../config/schema.ts';
import { mergeSources } from '../../ingest/merge.ts';
import { type LoadSpec, memorySource, streamLoad } from '../load.ts';

/** Fills the topic of events through ingest, as the role of that name does. Gives the number of events. */
export async function fillBlocks(input: { readonly config: Config; readonly load: LoadSpec }): Promise<number> {
  const { config, load } = input;
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const servers = await openClusterServers({ config, onNotice: () => undefined }, closers);
    const pipeline = await createClusterPipeline({ config, servers, onNotice: () => undefined }, undefined);
    await mergeSources([{ source: memorySource(streamLoad(load)), options: { mappings: [] } }], pipeline, async () => {
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
