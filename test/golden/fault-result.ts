import { expect } from 'vitest';
import type { FaultLoad } from './fault-load.ts';
import { FaultSite } from './fault-site.ts';
import type { FaultResult } from './results.ts';

/** Every number once, no window missed, every bad line a dead letter, and every flood an alert. */
function expectWhole(result: FaultResult, load: FaultLoad): void {
  const { events, badLines, floodTargets } = load;
  expect(result.numbered).toEqual({ rows: events, distinct: events, sum: (events * (events - 1)) / 2, late: 0 });
  expect(Object.values(result.deadLetters).reduce((sum, count) => sum + count, 0)).toBe(badLines);
  const floods = result.alerts.filter(({ family }) => family === 'denial-of-service');
  expect(floods.map(({ entity }) => entity)).toEqual(expect.arrayContaining([...floodTargets]));
  const uids = result.alerts.map(({ uid }) => uid);
  expect(new Set(uids).size).toBe(uids.length);
}

/** The same events, alerts, statistics and state as without a fault, and no worker that ended by itself. */
export function expectSame(site: FaultSite, result: FaultResult, reference: FaultResult, load: FaultLoad): void {
  try {
    expectWhole(result, load);
    expect(result.alerts).toEqual(reference.alerts);
    expect(result.rows).toEqual(reference.rows);
    expect(result.digest).toEqual(reference.digest);
    expect(result.deadLetters).toEqual(reference.deadLetters);
    expect(site.workers.flatMap(({ failures }) => failures)).toEqual([]);
  } catch (error) {
    console.error(`what the workers said:\n${site.said()}`);
    throw error;
  }
}

/** The load without a fault: what every run with one is held against. */
export async function referenceOf(
  load: FaultLoad,
  options: { readonly rawPartitions?: number } = {},
): Promise<FaultResult> {
  const site = await FaultSite.open(options);
  try {
    await site.keepEach();
    await site.publish(load, { paceMs: 0 }).done;
    const result = await site.finish();
    expectSame(site, result, result, load);
    return result;
  } finally {
    await site.close();
  }
}
