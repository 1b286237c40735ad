import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLmdbAlertStore } from '../../alerts/lmdb/index.ts';
import { openCheckpointFiles } from '../../featurestore/files/index.ts';
import { openSegmentLog } from '../../log/segments/index.ts';
import type { SegmentLog } from '../../log/segments/segment-log.ts';
import { FEATURE_TABLES } from '../../model/feature-tables.ts';
import { OneAtATime } from '../../stream/one-at-a-time.ts';
import { Runner, STREAM_GROUP, type Stage } from '../../stream/runner.ts';
import { digestOf } from '../../stream/snapshot.ts';
import { EVENTS_TOPIC, PARTIALS_TOPIC, Stage1Worker, Stage2Worker } from '../../stream/stage-workers.ts';
import { createStage1, createStage2, ingestSite } from './run-stages.ts';
import { siteSteps } from './site-records.ts';

class Killed extends Error {}

/** Stages 1 and 2 of one partition with their log, checkpoints and alerts in one folder. */
async function openInstance(dir: string, at?: (point: string) => void) {
  const log: SegmentLog = await openSegmentLog({
    dir: join(dir, 'log'),
    topics: [EVENTS_TOPIC, PARTIALS_TOPIC, ...FEATURE_TABLES.map(({ name }) => name)].map((name) => ({
      name,
      partitions: 1,
    })),
    maxBytes: 1 << 28,
    segmentBytes: 1 << 22,
    fsync: 'never',
  });
  const alerts = openLmdbAlertStore({ dir: join(dir, 'alerts') });
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  const checkpoints = await openCheckpointFiles({ dir: join(dir, 'checkpoints'), onWarning, ...(at ? { at } : {}) });
  const stages = {
    first: new Stage1Worker(log, createStage1(0, 1)),
    second: new Stage2Worker(
      { log, publish: (episodes) => alerts.putEpisodes(episodes).then(() => undefined) },
      createStage2(0, 1),
    ),
  };
  const oneAtATime = new OneAtATime();
  const runnerOf = (stage: Stage, topic: string, name: string): Runner =>
    new Runner(stage, {
      log, checkpoints, topic, partition: 0, name, checkpointMs: 1e9, batchBytes: 20_000, now: () => 0, onWarning, oneAtATime,
      ...(at ? { at } : {}),
    }); // prettier-ignore
  const first = runnerOf(stages.first, EVENTS_TOPIC, 'stage1-0');
  const second = runnerOf(stages.second, PARTIALS_TOPIC, 'stage2-0');
  await first.restore();
  await second.restore();
  return {
    log,
    warnings,
    first,
    second,
    /** Runs to the end of the log, with a checkpoint of both every few batches; throws where it is killed. */
    async drain(batches = Infinity): Promise<void> {
      for (let i = 1; i <= batches; i++) {
        const taken = (await first.step()) + (await second.step());
        if (i % 3 === 0) {
          await first.checkpoint();
          await second.checkpoint();
        }
        await stages.first.settled();
        if (taken === 0) return;
      }
    },
    async result() {
      const { alerts: stored } = await alerts.list({}, { limit: 500 });
      return {
        digest: digestOf([stages.first.state, stages.second.state].map((state) => state)),
        alerts: stored.map(({ episode }) => episode).sort((a, b) => (a.uid < b.uid ? -1 : 1)),
      };
    },
    async close(): Promise<void> {
      await stages.first.settled().catch(() => undefined);
      await log.close();
      await alerts.close();
    },
  };
}

describe('a runner', () => {
  let blocks: readonly Uint8Array[];
  let dir: string;
  let expected: Awaited<ReturnType<Awaited<ReturnType<typeof openInstance>>['result']>>;
  const checkpoint = (name: string): string => join(dir, 'checkpoints', name);

  async function seed(): Promise<void> {
    dir = await mkdtemp(join(tmpdir(), 'vedette-runner-'));
    const { log, close } = await openInstance(dir);
    await log.append(EVENTS_TOPIC, 0, blocks);
    await close();
  }

  beforeAll(async () => {
    const cut = { partitions: 1, blockRows: 40, flushShare: 0, seed: 3 };
    blocks = (await ingestSite(siteSteps(3, { minutes: 40 }), cut)).blocks[0]!;
    await seed();
    const instance = await openInstance(dir);
    await instance.drain();
    expected = await instance.result();
    await instance.close();
    await rm(dir, { recursive: true });
  });
  beforeEach(seed);
  afterEach(() => rm(dir, { recursive: true }));

  it('goes on from its checkpoint after every stop, and ends with the same state and alerts', async () => {
    expect(expected.alerts.length).toBeGreaterThan(0);
    for (let stops = 0; stops < 6; stops++) {
      const instance = await openInstance(dir);
      await instance.drain(3);
      await instance.close();
    }
    const instance = await openInstance(dir);
    expect(instance.first.status.offset).toBeGreaterThan(0);
    await instance.drain();
    expect(await instance.result()).toEqual(expected);
    expect(instance.warnings).toEqual([]);
    expect((await instance.log.committed(STREAM_GROUP, EVENTS_TOPIC, 0))?.offset).toBeGreaterThan(0);
    await instance.close();
  });

  it.each([
    'block_read',
    'findings_written',
    'checkpoint_half',
    'checkpoint_synced',
    'checkpoint_renamed',
    'offset_committed',
  ])('ends the same after it was killed at %s, time and again', async (fatal) => {
    for (let kill = 0; kill < 8; kill++) {
      let left = 2 + kill * 3;
      const instance = await openInstance(dir, (point) => {
        if (point === fatal && --left <= 0) throw new Killed(point);
      });
      await instance.drain().catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      await instance.close();
    }
    const instance = await openInstance(dir);
    await instance.drain();
    expect(await instance.result()).toEqual(expected);
    await instance.close();
  });

  it('falls back to the checkpoint before the newest where that is damaged, and ends the same', async () => {
    const before = await openInstance(dir);
    await before.drain(9);
    await before.close();
    for (const name of ['stage1-0.ckpt', 'stage2-0.ckpt']) {
      const content = await readFile(checkpoint(name));
      content[Math.floor(content.length / 2)]! ^= 1;
      await writeFile(checkpoint(name), content);
    }
    const instance = await openInstance(dir);
    expect(instance.warnings).toEqual([
      expect.stringMatching(/stage1-0\.ckpt is damaged/),
      expect.stringMatching(/stage2-0\.ckpt is damaged/),
    ]);
    await instance.drain();
    expect(await instance.result()).toEqual(expected);
    await instance.close();
  });

  it('says so where no checkpoint can be read', async () => {
    const before = await openInstance(dir);
    await before.drain(9);
    await before.close();
    for (const name of ['stage1-0.ckpt', 'stage1-0.prev']) await writeFile(checkpoint(name), 'nothing');
    await expect(openInstance(dir)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  });

  it('starts anew where there is none, and what stage 2 had taken already is dropped', async () => {
    const before = await openInstance(dir);
    await before.drain();
    await before.close();
    for (const name of ['stage1-0.ckpt', 'stage1-0.prev']) await rm(checkpoint(name));
    const instance = await openInstance(dir);
    expect([instance.first.status.offset, instance.second.status.offset > 0]).toEqual([0, true]);
    await instance.drain();
    expect(await instance.result()).toEqual(expected);
    await instance.close();
  });

  it('leaves nothing half-written behind', async () => {
    await copyFile(join(dir, 'log', 'positions'), checkpoint('stage1-0.part')).catch(() =>
      writeFile(checkpoint('stage1-0.part'), 'x'),
    );
    const instance = await openInstance(dir);
    await instance.drain(3);
    await expect(readFile(checkpoint('stage1-0.part'))).rejects.toThrow(/ENOENT/);
    await instance.close();
  });
});
