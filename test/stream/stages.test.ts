import { beforeAll, describe, expect, it } from 'vitest';
import { siteSteps } from './site-records.ts';
import { ingestSite, NO_MISHAPS, runStages, type StagesResult } from './run-stages.ts';

const MINUTES = 75;

describe.each([1, 2])('the stages on site %i', (seed) => {
  const steps = siteSteps(seed, { minutes: MINUTES });
  let whole: StagesResult;

  beforeAll(async () => {
    const { blocks } = await ingestSite(steps, { partitions: 1, blockRows: 60_000, flushShare: 0, seed });
    whole = await runStages(blocks, NO_MISHAPS);
  });

  it('find what is in it', () => {
    const found = Object.values(whole.episodes).map(({ entity, detectors }) => `${detectors.join()} ${entity}`);
    console.log(found, whole.stage1[0]!.counters, Object.keys(whole.features).length, steps.length);
    expect(found.join('\n')).toContain('flood-ceiling 10.0.0.2');
    expect(found.join('\n')).toContain('silence pump-2');
  });

  it('drop nothing that ingest took as in time', () => {
    expect(whole.stage1[0]!.counters.afterClose).toBe(0);
    expect(whole.stage1[0]!.counters.late).toBeGreaterThan(0);
  });

  it.each([
    { partitions: 1, blockRows: 7, flushShare: 0.1 },
    { partitions: 3, blockRows: 500, flushShare: 0.02 },
    { partitions: 7, blockRows: 50_000, flushShare: 0 },
    { partitions: 7, blockRows: 40, flushShare: 0.3 },
  ])('give the same with $partitions partitions and blocks of $blockRows rows', async (cut) => {
    const { blocks } = await ingestSite(steps, { ...cut, seed });
    const result = await runStages(blocks, { ...NO_MISHAPS, seed });
    expect(result.episodes).toEqual(whole.episodes);
    expect(result.features).toEqual(whole.features);
    expect(result.digest).toEqual(whole.digest);
  });

  it.each([1, 3])('give the same with crashes and repeated records, %i partitions', async (partitions) => {
    const { blocks } = await ingestSite(steps, { partitions, blockRows: 90, flushShare: 0.05, seed });
    const result = await runStages(blocks, { seed: seed + 7, duplicateShare: 0.1, crashShare: 0.15 });
    expect(result.restores).toBeGreaterThan(10);
    expect(result.episodes).toEqual(whole.episodes);
    expect(result.features).toEqual(whole.features);
    expect(result.digest).toEqual(whole.digest);
  });
});
