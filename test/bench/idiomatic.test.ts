import { beforeAll, describe, expect, it } from 'vitest';
import { BareStages, createBareIngest, defaultConfig } from '../../bench/bare-stages.ts';
import { readAll } from '../../bench/embedded-run.ts';
import { IdiomaticPipeline } from '../../bench/idiomatic/pipeline.ts';
import { makeLoad } from '../../bench/load.ts';

const LOAD = makeLoad({ events: 20_000, hosts: 200, eventsPerMs: 0.4 });

async function runIdiomatic(): Promise<{ pipeline: IdiomaticPipeline; rows: Map<string, object[]> }> {
  const rows = new Map<string, object[]>();
  const pipeline = new IdiomaticPipeline((table, given) => {
    rows.set(table, (rows.get(table) ?? []).concat(given));
    return Promise.resolve();
  });
  for (const chunk of LOAD.chunks) await pipeline.push(chunk);
  await pipeline.end();
  return { pipeline, rows };
}

describe("the benchmark's peer", () => {
  let peer: Awaited<ReturnType<typeof runIdiomatic>>;
  beforeAll(async () => {
    peer = await runIdiomatic();
  });

  it('finds the floods that the pipeline finds', async () => {
    const stages = new BareStages(defaultConfig());
    await readAll(
      createBareIngest(defaultConfig(), (block) => stages.take(block)),
      LOAD.chunks,
      () => Promise.resolve(),
    );
    const floods = [...stages.episodes.values()].filter(({ family }) => family === 'denial-of-service');
    const { pipeline } = peer;
    expect(pipeline.flooded).toEqual(floods.map(({ entity }) => entity).sort());
    expect(pipeline.flooded).toEqual(expect.arrayContaining([...LOAD.victims]));
  });

  it('makes a row of every event and of every host and finished minute', () => {
    const { rows } = peer;
    expect(rows.get('events')).toHaveLength(LOAD.events);
    const minutes = rows.get('host_features_1m') as { flows: number; host: string; time: number }[];
    expect(new Set(minutes.map(({ host, time }) => `${host} ${time}`)).size).toBe(minutes.length);
    expect(minutes.reduce((sum, { flows }) => sum + flows, 0)).toBeLessThanOrEqual(LOAD.events);
    expect(rows.get('host_features_1h')!.length).toBeGreaterThan(0);
    expect(rows.get('target_features_pane')!.length).toBeGreaterThan(0);
  });
});
