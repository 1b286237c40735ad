import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readingsNdjson } from '../../ingest/decoders/readings-ndjson.ts';
import type { IngestSource } from '../../ingest/ingest-source.ts';
import { openIngestStores } from '../../ingest/lmdb/index.ts';
import { EVENTS_TOPIC, IngestPipeline } from '../../ingest/pipeline.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import type { SegmentLog } from '../../log/segments/segment-log.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet } from '../../model/address.ts';
import { ControlKind, EventBlock } from '../../model/event-block.ts';
import { COLUMN_INDEX } from '../../model/event-columns.ts';

export const NOW_MS = Date.UTC(2026, 5, 1);
const KIND_NAMES = Object.fromEntries(Object.entries(ControlKind).map(([name, kind]) => [kind, name]));

/** A pipeline on a real log and real stores in a temporary folder. */
export async function openPipeline(options: { partitions?: number; blockRows?: number; maxBytes?: number } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-pipeline-'));
  const log = await openSegmentLog({
    dir: join(dir, 'log'),
    topics: [{ name: EVENTS_TOPIC, partitions: options.partitions ?? 1 }],
    maxBytes: options.maxBytes ?? 1 << 28,
    segmentBytes: 1 << 22,
    fsync: 'never',
  });
  const stores = await openIngestStores({ dir: join(dir, 'ingest'), maxLetterBytes: 1 << 20 });
  const clock = { nowMs: NOW_MS };
  const pipeline = new IngestPipeline({
    log,
    deadLetters: stores.deadLetters,
    headers: stores.headers,
    internal: new NetworkSet(DEFAULT_INTERNAL_NETWORKS),
    groups: [],
    site: 'plant',
    blockRows: options.blockRows ?? 100,
    idleMs: 30_000,
    now: () => clock.nowMs,
  });
  return {
    log,
    pipeline,
    clock,
    deadLetters: stores.deadLetters,
    headers: stores.headers,
    close: async () => {
      await log.close();
      await stores.close();
      await rm(dir, { recursive: true });
    },
  };
}

export type TestPipeline = Awaited<ReturnType<typeof openPipeline>>;

export function openReadings(
  { pipeline }: { pipeline: IngestPipeline },
  id: string,
  spec: { disorderMs?: number; holdsTime?: boolean; state?: string } = {},
): IngestSource {
  return pipeline.openSource({
    id,
    decoder: readingsNdjson.createDecoder({}),
    disorderMs: spec.disorderMs ?? 10_000,
    holdsTime: spec.holdsTime ?? false,
    ...(spec.state === undefined ? {} : { state: spec.state }),
  });
}

/** A reading's line into the source. */
export function write(
  source: IngestSource,
  record: { timeMs: number; position: number; device?: string },
  receivedMs = NOW_MS,
): void {
  const line = Buffer.from(
    JSON.stringify({
      time: new Date(record.timeMs).toISOString(),
      device: record.device ?? 'd',
      metric: 'm',
      value: 1,
    }),
  );
  source.write(line, 0, line.length, record.position, receivedMs);
}

export async function readBlocks(log: SegmentLog, partition = 0): Promise<EventBlock[]> {
  const blocks: EventBlock[] = [];
  while (blocks.length < log.bounds(EVENTS_TOPIC, partition).end)
    for (const { data } of await log.read(EVENTS_TOPIC, partition, blocks.length, { maxBytes: 1 << 20 }))
      blocks.push(new EventBlock(data.slice()));
  return blocks;
}

/** What a block holds, in order: rows as `source@position` (with `late`), controls as `kind source time`. */
export function storyOf(blocks: readonly EventBlock[], sinceMs = NOW_MS): string[] {
  const story: string[] = [];
  for (const block of blocks) {
    const source = block.dict(COLUMN_INDEX._src);
    const position = block.words(COLUMN_INDEX._pos, 2);
    const late = block.u8(COLUMN_INDEX.late);
    for (let row = 0; row <= block.rows; row++) {
      for (const control of block.controls)
        if (control.row === row)
          story.push(`${KIND_NAMES[control.kind]!} ${control.source} ${(control.timeMs - sinceMs) / 1000}`);
      if (row < block.rows)
        story.push(`${source!.values[source!.index[row]!]!}@${position![row * 2]!}${late?.[row] === 1 ? ' late' : ''}`);
    }
  }
  return story;
}
