import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMessage } from '../../ingest/raw-message.ts';
import type { ReceivedMessage } from '../../ingest/raw-log.ts';
import { RawPartition } from '../../ingest/raw-partition.ts';
import { NOW_MS, openPipeline, readBlocks, storyOf, type TestPipeline } from './pipeline-harness.ts';

const INCARNATION = 'made-once';
const START_MS = NOW_MS - 3_600_000;

describe('a partition of the raw log', () => {
  let before: TestPipeline;
  let after: TestPipeline;
  beforeEach(async () => {
    [before, after] = [await openPipeline(), await openPipeline()];
  });
  afterEach(async () => {
    await before.close();
    await after.close();
  });

  function partitionOf({ pipeline }: TestPipeline): RawPartition {
    return new RawPartition({ pipeline, mappings: [], name: 'raw-readings-0', incarnation: INCARNATION });
  }

  /** Readings at these seconds, as one message. */
  function message(entryId: number, seconds: readonly number[]): ReceivedMessage {
    const lines = seconds.map((second) =>
      JSON.stringify({ time: new Date(START_MS + second * 1000).toISOString(), device: 'd', metric: 'm', value: 1 }),
    );
    return {
      id: { ledgerId: 1, entryId, batchIndex: -1 },
      publishedMs: NOW_MS,
      payload: Buffer.from(`${lines.join('\n')}\n`),
      properties: { format: 'readings-ndjson', source: 'd', position: String(entryId * 10_000) },
    };
  }

  async function write(partition: RawPartition, messages: readonly ReceivedMessage[]): Promise<void> {
    for (const one of messages) partition.write(one, await openMessage(one, INCARNATION));
  }

  /** Rows by position, and whether they are late. */
  async function rows({ pipeline, log }: TestPipeline): Promise<string[]> {
    await pipeline.flush();
    return storyOf(await readBlocks(log)).filter((entry) => entry.includes('@'));
  }

  it('takes as in time what was, when another takes over whose log has gone further than what was saved', async () => {
    const messages = [message(0, [0, 60]), message(1, [3000, 2995, 3001]), message(2, [3100])];
    const first = partitionOf(before);
    await write(first, messages.slice(0, 1));
    const saved = first.save();
    // These are in the log with their ticks, and the process dies before it has saved so.
    await write(first, messages.slice(1));
    const whole = await rows(before);
    expect(whole).toHaveLength(6);
    after.pipeline.standAt(before.pipeline.timeMs);
    const second = partitionOf(after);
    second.load(saved);
    await write(second, messages.slice(1));
    expect(await rows(after)).toEqual(whole.slice(2));
  });
});
