import type { LogEntry } from '../log/event-log.ts';
import { VedetteError } from '../model/errors.ts';
import type { HighWater } from './high-water.ts';
import { type NativeBlock, parseNative, withLogPosition } from './native-frame.ts';

/** What the sink needs to know of a record: its Native columns, whose rows they are, and when. */
export interface SinkBlock extends NativeBlock {
  /** Lowest and highest position of each source's rows; empty where records carry no positions. */
  readonly sources: readonly { readonly id: string; readonly firstPos: number; readonly lastPos: number }[];
  /** Event times of the rows, ms; undefined where the table isn't cut by day. */
  readonly minTimeMs: number | undefined;
  readonly maxTimeMs: number | undefined;
}

/** How a topic's records are read. */
export interface BlockCodec {
  /** @throws VedetteError BLOCK_CORRUPT */
  parse(data: Uint8Array): SinkBlock;
  /** Without the rows whose position is not above their source's highest. Only called where there are some. */
  dropSeen(block: SinkBlock, highest: (source: string) => number | undefined): SinkBlock;
}

/** Records that are plain Native blocks for one table, without positions: features. */
export const plainNativeCodec: BlockCodec = {
  parse: (data) => ({ ...parseNative(data), sources: [], minTimeMs: undefined, maxTimeMs: undefined }),
  dropSeen: (block) => block,
};

export interface BatchLimits {
  readonly maxBytes: number;
  readonly maxRows: number;
}

/** Whole records of the log that go into one insert. */
export interface SinkBatch {
  readonly first: number;
  readonly last: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly body: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Offsets of records that could not be parsed. */
  readonly corrupt: readonly number[];
}

const DAY_MS = 86_400_000;

/**
 * Makes a batch of the first entries: as many as fit the limits and lie within one day, or exactly up to `last` where
 * an intent says so. `high` is raised by what the batch takes. The same entries, `high` and `last` give the same bytes.
 *
 * A record that spans days is a batch of its own: ClickHouse makes one part a day of it.
 */
export function makeBatch(
  entries: readonly LogEntry[],
  context: { codec: BlockCodec; partition: number; high: HighWater; limits: BatchLimits; last?: number },
): SinkBatch {
  const { codec, partition, high, limits } = context;
  const body: Uint8Array[] = [];
  const corrupt: number[] = [];
  let [rows, duplicates, sizeBytes] = [0, 0, 0];
  let day: number | undefined;
  let last = -1;
  for (const entry of entries) {
    if (context.last !== undefined && entry.offset > context.last) break;
    const block = parseOrUndefined(codec, entry.data);
    if (block === undefined) {
      corrupt.push(entry.offset);
      last = entry.offset;
      continue;
    }
    if (context.last === undefined && rows > 0 && block.rows > 0) {
      const isFull = rows + block.rows > limits.maxRows || sizeBytes + block.native.length > limits.maxBytes;
      if (isFull || singleDay(block) !== day) break;
    }
    const fresh = withoutSeen(block, codec, high);
    duplicates += block.rows - fresh.rows;
    for (const source of block.sources) high.raise(source.id, source.lastPos);
    last = entry.offset;
    if (fresh.rows === 0) continue;
    const [head, columns] = withLogPosition(fresh, partition, entry.offset);
    body.push(head, columns);
    sizeBytes += head.length + columns.length;
    rows += fresh.rows;
    day = singleDay(block);
    // A record over several days takes no other beside it.
    if (Number.isNaN(day) && context.last === undefined) break;
  }
  return { first: entries[0]?.offset ?? -1, last, rows, duplicates, body, sizeBytes, corrupt };
}

/** The day of a block's rows, undefined where days don't matter, NaN where there are several. */
function singleDay(block: SinkBlock): number | undefined {
  if (block.minTimeMs === undefined || block.maxTimeMs === undefined) return undefined;
  const day = Math.floor(block.minTimeMs / DAY_MS);
  return day === Math.floor(block.maxTimeMs / DAY_MS) ? day : NaN;
}

function withoutSeen(block: SinkBlock, codec: BlockCodec, high: HighWater): SinkBlock {
  const isFresh = block.sources.every(({ id, firstPos }) => firstPos > (high.get(id) ?? -Infinity));
  return isFresh ? block : codec.dropSeen(block, (source) => high.get(source));
}

function parseOrUndefined(codec: BlockCodec, data: Uint8Array): SinkBlock | undefined {
  try {
    return codec.parse(data);
  } catch (error) {
    if (error instanceof VedetteError && error.code === 'BLOCK_CORRUPT') return undefined;
    throw error;
  }
}
