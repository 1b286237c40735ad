import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openIngestStores } from '../../ingest/lmdb/index.ts';
import { EVENTS_TOPIC, IngestPipeline } from '../../ingest/pipeline.ts';
import { RawIngest, type RawIngestOptions } from '../../ingest/raw-ingest.ts';
import type { RawLog } from '../../ingest/raw-log.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet } from '../../model/address.ts';
import { ControlKind, EventBlock } from '../../model/event-block.ts';
import { COLUMN_INDEX } from '../../model/event-columns.ts';
import { MAPPINGS } from './mappings.ts';

export const READINGS = { name: 'raw-readings', partitions: 2 };

/** An event log and ingest's stores in a temporary folder, and any number of ingests on them. */
export async function openRawSite() {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-raw-'));
  const log = await openSegmentLog({
    dir: join(dir, 'log'),
    topics: [{ name: EVENTS_TOPIC, partitions: 1 }],
    maxBytes: 1 << 30,
    segmentBytes: 1 << 24,
    fsync: 'never',
  });
  const stores = await openIngestStores({ dir: join(dir, 'ingest'), maxLetterBytes: 1 << 24 });
  const running: { stop: () => Promise<void> }[] = [];
  const rows: StoredRow[] = [];
  const controls: StoredControl[] = [];
  let offset = 0;

  /** Reads on in the log. */
  async function readOn(): Promise<void> {
    while (offset < log.bounds(EVENTS_TOPIC, 0).end) {
      for (const { data } of await log.read(EVENTS_TOPIC, 0, offset, { maxBytes: 1 << 20 })) {
        const block = new EventBlock(data.slice());
        rows.push(...rowsOf(block));
        for (const { kind, source, timeMs } of block.controls)
          controls.push({ kind: KIND_NAMES.get(kind) ?? '', source, timeMs });
        offset++;
      }
    }
  }

  function ingest(rawLog: RawLog, options: Partial<RawIngestOptions> & { idleMs?: number } = {}) {
    const pipeline = new IngestPipeline({
      log,
      deadLetters: stores.deadLetters,
      internal: new NetworkSet(DEFAULT_INTERNAL_NETWORKS),
      groups: [],
      site: '',
      blockRows: 1000,
      idleMs: options.idleMs ?? 30_000,
      now: Date.now,
    });
    const raw = new RawIngest({
      rawLog,
      pipeline,
      states: stores.sourceStates,
      topics: [READINGS],
      mappings: MAPPINGS,
      subscription: 'ingest',
      permits: 16,
      commitMs: 50,
      lingerMs: 5,
      onNotice: () => undefined,
      ...options,
    });
    const run = raw.run();
    run.catch(() => undefined);
    const idle = setInterval(() => {
      pipeline.markIdle();
      pipeline.flush().catch(() => undefined);
    }, 100);
    const stop = async (): Promise<void> => {
      clearInterval(idle);
      raw.close();
      await run;
    };
    const started = { raw, pipeline, run, stop };
    running.push(started);
    return started;
  }

  return {
    log,
    stores,
    ingest,
    /** Every row in the log, in order. */
    rows: async () => {
      await readOn();
      return rows;
    },
    controls: async () => {
      await readOn();
      return controls;
    },
    letters: async () => {
      const { letters } = await stores.deadLetters.list({}, { limit: 1000 });
      return letters.reverse();
    },
    /** Waits for so many rows that are not duplicates. */
    async until(count: number, timeoutMs = 20_000) {
      const isThere = async () => {
        await readOn();
        return distinct(rows).length;
      };
      await expect.poll(isThere, { timeout: timeoutMs, interval: 200 }).toBeGreaterThanOrEqual(count);
    },
    async close() {
      await Promise.allSettled(running.map(({ stop }) => stop()));
      await log.close();
      await stores.close();
      await rm(dir, { recursive: true });
    },
  };
}

const KIND_NAMES = new Map<number, string>(Object.entries(ControlKind).map(([name, kind]) => [kind, name]));

interface StoredRow {
  readonly source: string;
  readonly position: number;
  readonly value: number;
  readonly late: boolean;
}

interface StoredControl {
  readonly kind: string;
  readonly source: string;
  readonly timeMs: number;
}

function rowsOf(block: EventBlock): StoredRow[] {
  const source = block.dict(COLUMN_INDEX._src);
  const position = block.words(COLUMN_INDEX._pos, 2);
  const value = block.f64(COLUMN_INDEX.value);
  const late = block.u8(COLUMN_INDEX.late);
  return Array.from({ length: block.rows }, (_, row) => ({
    source: source!.values[source!.index[row]!]!,
    position: position![row * 2]! + position![row * 2 + 1]! * 2 ** 32,
    value: value?.[row] ?? NaN,
    late: late?.[row] === 1,
  }));
}

/** What stage 1 and the sink keep: rows above the highest position of their source. */
export function distinct(rows: readonly StoredRow[]): StoredRow[] {
  const highest = new Map<string, number>();
  return rows.filter(({ source, position }) => {
    if (position <= (highest.get(source) ?? -1)) return false;
    highest.set(source, position);
    return true;
  });
}

/** Numbers from `first` on as readings, one a line, a second apart. */
export function numbered(first: number, count: number, device = 'd'): Buffer {
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      time: new Date(START_MS + (first + i) * 1000).toISOString(),
      device,
      metric: 'n',
      value: first + i,
    }),
  );
  return Buffer.from(`${lines.join('\n')}\n`);
}

const START_MS = Date.UTC(2026, 0, 1);

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
