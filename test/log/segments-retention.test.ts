import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAll } from './event-log.contract.ts';
import { appendEach, useSegmentLog } from './segment-log.fixture.ts';

describe('the segment log', () => {
  const { open, warnings, dir } = useSegmentLog();

  describe('under a cap on disk', () => {
    it('drops the oldest segments of any topic, and counts them', async () => {
      const log = await open({ topics: [{ name: 'events', partitions: 3 }], maxBytes: 20_000, segmentBytes: 4000 });
      for (let round = 0; round < 100; round++) {
        await Promise.all([0, 1, 2].map((partition) => log.append('events', partition, [new Uint8Array(500)])));
        expect(log.stats().diskBytes).toBeLessThanOrEqual(20_000);
      }
      const { droppedRecords, droppedSegments, droppedUnread, partitions } = log.stats();
      expect(droppedSegments).toBeGreaterThan(0);
      expect(droppedRecords).toBe(partitions.reduce((sum, { earliest }) => sum + earliest, 0));
      expect(droppedUnread).toBe(0);
      let bytes = 0;
      for (const partition of [0, 1, 2]) {
        const path = join(dir(), 'topics', 'events', String(partition));
        const names = (await readdir(path)).filter((name) => name.endsWith('.log'));
        for (const name of names) bytes += (await stat(join(path, name))).size;
      }
      expect(bytes).toBe(log.stats().diskBytes);
    });

    it('drops from a segment that still grows when there is no other', async () => {
      const log = await open({ topics: [{ name: 'events', partitions: 2 }], maxBytes: 5000 });
      for (let round = 0; round < 20; round++) await log.append('events', 0, [new Uint8Array(400)]);
      await log.append('events', 1, [new Uint8Array(4500)]);
      expect(log.bounds('events', 0)).toEqual({ earliest: 20, end: 20 });
      expect(log.bounds('events', 1)).toEqual({ earliest: 0, end: 1 });
    });

    it('takes what a holding group has not read last, counts it as lost, and says so', async () => {
      const topics = [{ name: 'events', partitions: 2 }];
      const log = await open({
        topics,
        maxBytes: 10_000,
        segmentBytes: 1000,
        holdFor: [{ group: 'sink', topics: ['events'] }],
      });
      for (let index = 0; index < 8; index++) await log.append('events', 0, [new Uint8Array(500)]);
      await log.commit('sink', 'events', 0, { offset: 3, metadata: '' });
      for (let index = 0; index < 8; index++) await log.append('events', 1, [new Uint8Array(500)]);
      await log.commit('sink', 'events', 1, { offset: 8, metadata: '' });
      for (let index = 0; index < 8; index++) await log.append('events', 1, [new Uint8Array(500)]);
      expect(log.bounds('events', 0).earliest).toBeLessThanOrEqual(3);
      expect(log.stats().droppedUnread).toBe(0);
      await log.append('events', 1, [new Uint8Array(9000)]);
      const { droppedUnread } = log.stats();
      expect(droppedUnread).toBeGreaterThan(5);
      const reported = warnings.filter((warning) => warning.kind === 'unread-dropped');
      expect(reported.reduce((sum, warning) => sum + (warning.count ?? 0), 0)).toBe(droppedUnread);
    });

    it('refuses what would never fit, without dropping anything for it', async () => {
      const log = await open({ maxBytes: 5000 });
      await appendEach(log, ['a']);
      await expect(log.append('events', 0, [new Uint8Array(5000)])).rejects.toMatchObject({ code: 'LOG_FULL' });
      expect(await readAll(log, 'events', 0)).toEqual(['0 a']);
      expect(log.stats().droppedRecords).toBe(0);
    });
  });

  describe('retention', () => {
    it('drops by age what no holding group still needs', async () => {
      let nowMs = 1_000_000;
      const log = await open({
        topics: [{ name: 'events', partitions: 1, retentionMs: 1000 }],
        segmentBytes: 200,
        now: () => nowMs,
        holdFor: ['sink'],
      });
      await appendEach(
        log,
        Array.from({ length: 6 }, () => 'x'.repeat(150)),
      );
      await log.commit('sink', 'events', 0, { offset: 2, metadata: '' });
      await log.enforceRetention();
      expect(log.bounds('events', 0)).toEqual({ earliest: 0, end: 6 });
      nowMs += 2000;
      await log.enforceRetention();
      expect(log.bounds('events', 0)).toEqual({ earliest: 2, end: 6 });
      await log.commit('sink', 'events', 0, { offset: 6, metadata: '' });
      await log.enforceRetention();
      expect(log.bounds('events', 0)).toEqual({ earliest: 6, end: 6 });
      expect(log.stats().droppedUnread).toBe(0);
      await log.close();
      const again = await open({ topics: [{ name: 'events', partitions: 1, retentionMs: 1000 }] });
      expect(again.bounds('events', 0)).toEqual({ earliest: 6, end: 6 });
    });

    it('holds a topic named for a group before that group has committed anything', async () => {
      const topics = [{ name: 'events', partitions: 1, retentionBytes: 100 }];
      const log = await open({ topics, segmentBytes: 200, holdFor: [{ group: 'sink', topics: ['events'] }] });
      await appendEach(
        log,
        Array.from({ length: 6 }, () => 'x'.repeat(150)),
      );
      await log.enforceRetention();
      expect(log.bounds('events', 0).earliest).toBe(0);
    });
  });
});
