import { beforeAll, describe, expect, it } from 'vitest';
import { FEATURE_TABLES } from '../../model/feature-tables.ts';
import { PANE_MS } from '../../stream/time.ts';
import { naiveFeatures } from './naive-features.ts';
import { ingestSite, NO_MISHAPS, runStages, type IngestedSite, type StagesResult } from './run-stages.ts';
import { siteSteps } from './site-records.ts';

const MINUTES = 75;

describe.each([1, 2])('the stages on site %i', (seed) => {
  const steps = siteSteps(seed, { minutes: MINUTES });
  let whole: StagesResult;
  let site: IngestedSite;

  beforeAll(async () => {
    site = await ingestSite(steps, { partitions: 1, blockRows: 60_000, flushShare: 0, seed });
    whole = await runStages(site.blocks, NO_MISHAPS);
  });

  it('find what is in it', () => {
    const found = Object.values(whole.episodes).map(({ entity, detectors }) => `${detectors.join()} ${entity}`);
    expect(found.join('\n')).toContain('flood-ceiling 10.0.0.2');
    expect(found.join('\n')).toContain('silence pump-2');
  });

  it('drop nothing that ingest took as in time', () => {
    expect(whole.stage1[0]!.counters.afterClose).toBe(0);
    expect(whole.stage1[0]!.counters.late).toBeGreaterThan(0);
  });

  it('compute the features of every closed window as they are declared, without late records', () => {
    const closedMs = whole.stage1[0]!.clock.openPane * PANE_MS;
    const windowOf = (key: string): number => FEATURE_TABLES.find(({ name }) => key.startsWith(`${name} `))!.windowMs;
    const expected = Object.entries(naiveFeatures(steps, site.isLate)).filter(
      ([key, row]) => Number(row['time']) + windowOf(key) <= closedMs,
    );
    expect(Object.keys(whole.features).sort()).toEqual(expected.map(([key]) => key).sort());
    for (const [key, row] of expected) {
      // New destinations need more than one window; deviations differ in their last digits by the order of sums.
      const { sd, mean, ...rest } = whole.features[key]!;
      const { sd: expectedSd, mean: expectedMean, ...expectedRest } = row;
      expect(rest, key).toMatchObject(expectedRest);
      if (expectedSd === undefined) continue;
      expect(Number(mean)).toBeCloseTo(Number(expectedMean), 9);
      expect(Number(sd)).toBeCloseTo(Number(expectedSd), 6);
    }
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
