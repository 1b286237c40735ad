import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { feedRawRows } from '../../batch/jobs/raw-feed.ts';
import type { CsvMapping } from '../../ingest/decoder.ts';
import { openIngestStores } from '../../ingest/lmdb/index.ts';
import { IngestPipeline, EVENTS_TOPIC } from '../../ingest/pipeline.ts';
import { SourceReader } from '../../ingest/source-reader.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import { DEFAULT_INTERNAL_NETWORKS, NetworkSet } from '../../model/address.ts';
import type { EventBlock } from '../../model/event-block.ts';
import { COLUMN_INDEX } from '../../model/event-columns.ts';
import { sourceName, type RawRow, type RawSource } from '../../olap/raw-rows.ts';
import { NOW_MS, readBlocks, storyOf } from '../ingest/pipeline-harness.ts';

const WIDE: CsvMapping = {
  name: 'tanks',
  match: '**/tanks*.csv',
  delimiter: ';',
  time: 'at',
  timeFormat: 'iso',
  device: 'tank-1',
  values: '*',
  ignore: [],
  units: {},
};
const COUNTED: CsvMapping = {
  ...WIDE,
  name: 'counted',
  match: '**/counted.csv',
  time: '',
  timeFormat: 'index:1000:2026-05-31T00:00:00Z',
};

let dir: string;
const opened: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vedette-feed-'));
});

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
  await rm(dir, { recursive: true });
});

async function open(name: string) {
  const log = await openSegmentLog({
    dir: join(dir, name, 'log'),
    topics: [{ name: EVENTS_TOPIC, partitions: 1 }],
    maxBytes: 1 << 28,
    segmentBytes: 1 << 22,
    fsync: 'never',
  });
  opened.push(() => log.close());
  const stores = await openIngestStores({ dir: join(dir, name, 'ingest'), maxLetterBytes: 1 << 20 });
  opened.push(() => stores.close());
  const clock = { nowMs: NOW_MS };
  const pipeline = new IngestPipeline({
    log,
    deadLetters: stores.deadLetters,
    headers: stores.headers,
    internal: new NetworkSet(DEFAULT_INTERNAL_NETWORKS),
    groups: [],
    site: '',
    blockRows: 1000,
    idleMs: 30_000,
    now: () => clock.nowMs,
  });
  return { log, pipeline, clock, stores };
}

type Opened = Awaited<ReturnType<typeof open>>;

const MAPPINGS = [WIDE, COUNTED];

function reader({ pipeline }: Opened): SourceReader {
  return new SourceReader({ pipeline, mappings: MAPPINGS, holdsTime: false });
}

function push(into: SourceReader, given: { path: string; text: string; position?: number; last?: boolean }): void {
  const { path, text, position = 0, last = true } = given;
  into.push({ bytes: Buffer.from(text), position, incarnation: `${path}#1.a.0`, path, last });
}

/** What the store would give back: rows in the order of arrival, and their sources. */
function storedIn(blocks: readonly EventBlock[]): { rows: RawRow[]; sources: RawSource[] } {
  const rows: (RawRow & { timeMs: number; late: boolean })[] = [];
  for (const block of blocks) {
    const source = block.dict(COLUMN_INDEX._src)!;
    const position = block.words(COLUMN_INDEX._pos, 2)!;
    const [time, received] = [block.words(COLUMN_INDEX.time, 2)!, block.words(COLUMN_INDEX.received_time, 2)!];
    const raw = block.stringRanges(COLUMN_INDEX.raw)!;
    const ms = (words: Uint32Array, row: number): number => words[row * 2]! + words[row * 2 + 1]! * 2 ** 32;
    for (let row = 0; row < block.rows; row++)
      rows.push({
        source: source.values[source.index[row]!]!,
        position: position[row * 2]! + position[row * 2 + 1]! * 2 ** 32,
        receivedMs: ms(received, row),
        raw: Buffer.from(block.native.subarray(raw[row * 2], raw[row * 2 + 1])).toString(),
        timeMs: ms(time, row),
        late: block.u8(COLUMN_INDEX.late)?.[row] === 1,
      });
  }
  rows.sort(
    (a, b) =>
      a.receivedMs - b.receivedMs || (a.source < b.source ? -1 : a.source > b.source ? 1 : a.position - b.position),
  );
  const sources = [...new Set(rows.map(({ source }) => sourceName(source)))].map((name) => {
    const own = rows.filter(({ source }) => sourceName(source) === name);
    const firstMs = Math.min(...own.filter(({ late }) => !late).map(({ timeMs }) => timeMs));
    return { name, rows: own.length, firstMs, first: own[0]! };
  });
  return { rows, sources };
}

async function replay(live: Opened, from = 0) {
  await live.pipeline.flush();
  const blocks = await readBlocks(live.log);
  const { rows, sources } = storedIn(blocks);
  const again = await open('again');
  const counts = await feedRawRows({
    pipeline: again.pipeline,
    mappings: MAPPINGS,
    headers: live.stores.headers,
    sources,
    rows: (async function* () {
      yield rows.slice(from);
    })(),
    setNow: (nowMs) => (again.clock.nowMs = nowMs),
    breathe: async () => undefined,
  });
  await again.pipeline.flush();
  return { again, counts, before: storedIn(blocks).rows, after: storedIn(await readBlocks(again.log)).rows };
}

const at = (seconds: number): string => new Date(NOW_MS - 3_600_000 + seconds * 1000).toISOString();
const tsv = (lines: readonly string[][]): string => lines.map((line) => `${line.join('\t')}\n`).join('');
const PORTS = ['id.orig_p', 'id.resp_p', 'proto'];
const FLOW = ['40000', '443', 'tcp'];
const HEADER = [
  ['#separator \\x09'],
  ['#path', 'conn'],
  ['#fields', 'ts', 'id.resp_h', 'id.orig_h', 'orig_bytes', ...PORTS],
];
const OTHER = [
  ['#separator \\x09'],
  ['#path', 'conn'],
  ['#fields', 'orig_bytes', 'id.orig_h', 'id.resp_h', 'ts', ...PORTS],
];
const epoch = (seconds: number): string => ((NOW_MS - 3_600_000) / 1000 + seconds).toFixed(3);

describe('stored lines given to ingest again', () => {
  it('are read with the header that they had, also from the middle of a file and where it changes', async () => {
    const live = await open('live');
    const text =
      tsv([
        ...HEADER,
        [epoch(1), '192.0.2.1', '10.0.0.1', '11', ...FLOW],
        [epoch(2), '192.0.2.2', '10.0.0.2', '22', ...FLOW],
      ]) +
      tsv([
        ...OTHER,
        ['33', '10.0.0.3', '192.0.2.3', epoch(3), ...FLOW],
        ['44', '10.0.0.4', '192.0.2.4', epoch(4), ...FLOW],
      ]);
    push(reader(live), { path: '/logs/conn.log', text });
    push(reader(live), { path: '/logs/m.csv', text: `value;device;metric;time\n1;d;m;${at(1)}\n2;d;m;${at(2)}\n` });
    const { before, after, again } = await replay(live, 1);
    expect(after).toEqual(before.slice(1));
    expect(after).toHaveLength(5);
    expect(again.pipeline.counters).toMatchObject({ events: 5, deadLetters: {} });
  });

  it('make the events of a line once, though each was stored with it', async () => {
    const live = await open('live');
    const lines = Array.from({ length: 5 }, (_, i) => `${at(i)};${i};${i + 1};${i + 2}\n`).join('');
    push(reader(live), { path: '/logs/tanks.csv', text: `at;level;inflow;outflow\n${lines}` });
    const { before, after, counts, again } = await replay(live);
    expect(again.pipeline.counters.deadLetters).toEqual({});
    expect(counts).toEqual({ rows: 15, lines: 5 });
    expect(after).toEqual(before);
  });

  it('are refused where their time is their number in the file', async () => {
    const live = await open('live');
    push(reader(live), { path: '/logs/counted.csv', text: 'level;n\n1;0\n2;1\n' });
    const { again, after } = await replay(live);
    expect(after).toEqual([]);
    expect(again.pipeline.counters.deadLetters).toHaveProperty('missing_time');
  });

  it('keep the times at which sources were idle, by the clock of then', async () => {
    const live = await open('live');
    const reading = (seconds: number, device: string): string =>
      `${JSON.stringify({ time: at(seconds), device, metric: 'm', value: 1 })}\n`;
    const [quiet, busy] = [reader(live), reader(live)];
    const path = { quiet: '/logs/quiet.ndjson', busy: '/logs/busy.ndjson' };
    live.clock.nowMs = NOW_MS;
    push(quiet, { path: path.quiet, text: reading(0, 'q'), last: false });
    for (let i = 0; i < 60; i++) {
      live.clock.nowMs = NOW_MS + i * 1000;
      push(busy, { path: path.busy, text: reading(i, 'b'), position: i * 1000, last: false });
      live.pipeline.markIdle();
    }
    const { again } = await replay(live);
    const idleOf = async ({ log }: Opened): Promise<string[]> =>
      storyOf(await readBlocks(log)).filter((entry) => /^idle .*quiet/.test(entry));
    expect((await idleOf(live)).length).toBe(1);
    expect((await idleOf(again)).map((entry) => entry.replace('#replay', '#1.a.0'))).toEqual(await idleOf(live));
  });
});
