import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSegmentLog } from '../../log/segments/index.ts';
import { EventBlock } from '../../model/event-block.ts';
import { FEATURE_TABLES } from '../../model/feature-tables.ts';
import { readPartials } from '../../stream/partials.ts';
import { PARTIALS_TOPIC, Stage1Worker } from '../../stream/stage-workers.ts';
import { PANE_MS } from '../../stream/time.ts';
import { createStage1, createStage2, ingestSite } from './run-stages.ts';
import { SITE_SOURCES, type SiteStep } from './site-records.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 2, 3, 10);
const END_PANE = (START_MS + MINUTE_MS) / PANE_MS - 1;
/** More than one step of closing. */
const HOSTS = 5000;
const VICTIM = '10.200.0.1';

function record(timeMs: number, src: string, dst: string, packets: number): SiteStep {
  const line =
    `{"ts":${timeMs / 1000},"uid":"C1","id.orig_h":"${src}","id.orig_p":1024,"id.resp_h":"${dst}","id.resp_p":80,` +
    `"proto":"tcp","orig_bytes":0,"resp_bytes":0,"conn_state":"S0","orig_pkts":${packets},"resp_pkts":0}`;
  return { source: 0, action: 'record', line } as SiteStep;
}

/** A minute of many hosts, a flood in its last pane, and a record by whose tick it closes. */
async function floodedMinute(): Promise<readonly Uint8Array[]> {
  const steps: SiteStep[] = [1, 2].map((source) => ({ source, action: 'close' }));
  for (let host = 0; host < HOSTS; host++)
    steps.push(record(START_MS + host, `10.1.${host >>> 8}.${host & 255}`, '198.51.100.7', 1));
  steps.push(record(START_MS + MINUTE_MS - 1, '198.18.0.1', VICTIM, 20_000));
  steps.push(record(START_MS + MINUTE_MS + SITE_SOURCES[0]!.disorderMs, '10.1.0.1', '198.51.100.7', 1));
  const { blocks } = await ingestSite(steps, { partitions: 1, blockRows: 8192, flushShare: 0, seed: 1 });
  return blocks[0]!;
}

describe("a pane's targets, where a minute of hosts closes with it", () => {
  let blocks: readonly Uint8Array[];
  let dir: string;
  beforeAll(async () => {
    blocks = await floodedMinute();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vedette-early-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('go on first, and are an alert before the hosts are closed', () => {
    const stage1 = createStage1(0, 1);
    const stage2 = createStage2(0, 1);
    const [first, ...rest] = blocks.flatMap((data, offset) => stage1.process(new EventBlock(data), offset));
    const early = readPartials(first!.partials[0]!);
    expect(early).toMatchObject({ openPane: END_PANE, targetsOpen: END_PANE + 1, findings: [] });
    expect(first!.features.every(({ records }) => records.length === 0)).toBe(true);
    expect(stage2.process(early).episodes).toMatchObject([{ entity: VICTIM, isOpen: true }]);
    const windows = rest.map(({ features }) => features[0]!.records.length);
    expect(windows.filter((records) => records > 0).length).toBeGreaterThan(1);
    const last = rest.map(({ partials }) => partials[0]).find((partials) => partials !== undefined);
    expect(readPartials(last!)).toMatchObject({ openPane: END_PANE + 1, targetsOpen: END_PANE + 1 });
    // What was seen early is not seen again.
    const evaluations = stage2.counters.paneEvaluations;
    expect(stage2.process(early)).toEqual({ episodes: [], features: [] });
    expect(stage2.counters).toMatchObject({ duplicates: 1, paneEvaluations: evaluations });
  });

  it('wait for those of every partition', () => {
    const stage2 = createStage2(0, 2);
    const partials = [0, 1].map((partition) => {
      const stage1 = createStage1(partition, 2);
      const [first] = blocks.flatMap((data, offset) => stage1.process(new EventBlock(data), offset));
      return readPartials(first!.partials[0]!);
    });
    const before = stage2.process(partials[0]!);
    const after = stage2.process(partials[1]!);
    expect([before.episodes.length, after.episodes.length]).toEqual([0, 1]);
  });

  it('are on their way while the hosts are closed in steps', async () => {
    const names = [PARTIALS_TOPIC, ...FEATURE_TABLES.map(({ name }) => name)];
    const log = await openSegmentLog({
      dir, topics: names.map((name) => ({ name, partitions: 1 })), maxBytes: 1 << 28, segmentBytes: 1 << 22, fsync: 'never',
    }); // prettier-ignore
    const worker = new Stage1Worker(log, createStage1(0, 1));
    let isDone = false;
    const handled = (async () => {
      for (const [offset, data] of blocks.entries()) await worker.handle({ offset, data });
      isDone = true;
    })();
    await log.wait(PARTIALS_TOPIC, 0, 0, new AbortController().signal);
    expect(isDone).toBe(false);
    await handled;
    await worker.settled();
    expect(log.bounds(PARTIALS_TOPIC, 0).end).toBe(2);
    await log.close();
  });
});
