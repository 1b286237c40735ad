import { mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSegmentLog } from '../../log/segments/index.ts';
import { nodeFiles, type LogFiles } from '../../log/segments/log-files.ts';
import type { SegmentLog } from '../../log/segments/segment-log.ts';
import { CONTRACT_TOPICS, describeEventLog, readAll } from './event-log.contract.ts';
import { appendEach, useSegmentLog } from './segment-log.fixture.ts';

describeEventLog('the segment log', async () => {
  let opened: SegmentLog;
  const dir = await mkdtemp(join(tmpdir(), 'vedette-log-'));
  const options = { dir, topics: CONTRACT_TOPICS, maxBytes: 1 << 24, segmentBytes: 32 << 10, fsync: 'group' } as const;
  return {
    open: async () => (opened = await openSegmentLog(options)),
    applyRetention: () => opened.enforceRetention(),
    remove: () => rm(dir, { recursive: true }),
  };
});

describe('the segment log', () => {
  const { open, warnings, dir } = useSegmentLog();

  describe('writing', () => {
    it('lets appends that arrive while one is synced share the next sync', async () => {
      const log = await open();
      await Promise.all(
        Array.from({ length: 500 }, (_, index) => log.append('events', 0, [Buffer.from(String(index))])),
      );
      expect(log.stats().batches).toBeLessThan(10);
      await Promise.all(
        Array.from({ length: 500 }, (_, offset) => log.commit('sink', 'events', 0, { offset, metadata: '' })),
      );
      expect(log.stats().positionBatches).toBeLessThan(10);
      expect(await log.committed('sink', 'events', 0)).toEqual({ offset: 499, metadata: '' });
    });

    it('shows a record to readers only once it is synced', async () => {
      const seen: number[] = [];
      const log: SegmentLog = await open({
        at: (point) => {
          if (point === 'log:written') seen.push(log.bounds('events', 0).end);
        },
      });
      await appendEach(log, ['a', 'b']);
      expect(seen).toEqual([0, 1]);
    });

    it('rejects appends while the disk fails, with LOG_FULL when it is full, and works again afterwards', async () => {
      const disk = failingDisk();
      const log = await open({ files: disk.files });
      await appendEach(log, ['a']);
      for (const [step, code] of [
        ['write', 'ENOSPC'],
        ['sync', 'EIO'],
        ['write and truncate', 'ENOSPC'],
      ] as const) {
        disk.fail(step, code);
        const rejected = { code: code === 'ENOSPC' ? 'LOG_FULL' : code };
        const first = log.append('events', 0, [Buffer.from('lost')]);
        const second = log.append('events', 0, [Buffer.from('lost too')]);
        await expect(first).rejects.toMatchObject(rejected);
        await expect(second).rejects.toMatchObject(rejected);
        await expect(log.commit('sink', 'events', 0, { offset: 9, metadata: '' })).rejects.toMatchObject(rejected);
        disk.fail('nothing', code);
        expect(await readAll(log, 'events', 0)).not.toContain('lost');
        const { end } = log.bounds('events', 0);
        expect(await log.append('events', 0, [Buffer.from(`after ${step}`)])).toBe(end);
        await log.commit('sink', 'events', 0, { offset: end, metadata: step });
      }
      const expected = ['0 a', '1 after write', '2 after sync', '3 after write and truncate'];
      expect(await readAll(log, 'events', 0)).toEqual(expected);
      await log.close();
      const again = await open();
      expect(await readAll(again, 'events', 0)).toEqual(expected);
      expect(await again.committed('sink', 'events', 0)).toEqual({ offset: 3, metadata: 'write and truncate' });
      expect(warnings).toEqual([]);
    });

    it('still takes small records while a full disk lets no segment begin', async () => {
      const disk = failingDisk();
      const log = await open({ files: disk.files, segmentBytes: 200 });
      await appendEach(log, ['x'.repeat(100)]);
      disk.fail('create', 'ENOSPC');
      await expect(log.append('events', 0, [Buffer.from('y'.repeat(100))])).rejects.toMatchObject({ code: 'LOG_FULL' });
      expect(await log.append('events', 0, [Buffer.from('z')])).toBe(1);
      disk.fail('nothing', '');
      expect(await log.append('events', 0, [Buffer.from('y'.repeat(100))])).toBe(2);
      await log.close();
      expect(await readAll(await open(), 'events', 0)).toHaveLength(3);
    });

    it('gives back any sequence of appends, through any segment size, from memory and from disk', async () => {
      const batches = fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), { maxLength: 20 });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          batches,
          fc.integer({ min: 64, max: 2000 }),
          fc.integer({ min: 1, max: 2000 }),
          async (appends, segmentBytes, maxBytes) => {
            const options = { dir: join(dir(), String(run++)), segmentBytes, fsync: 'never' } as const;
            const log = await open(options);
            await Promise.all(appends.map((records) => log.append('events', 0, records)));
            const expected = appends.flat().map((record) => Buffer.from(record).toString('hex'));
            expect(await readHex(log, maxBytes)).toEqual(expected);
            await log.close();
            const again = await open(options);
            expect(await readHex(again, maxBytes)).toEqual(expected);
            await again.close();
          },
        ),
        { numRuns: 40 },
      );
    });

    it('compacts group positions and keeps the last ones', async () => {
      const log = await open({ fsync: 'never' });
      const metadata = 'x'.repeat(10_000);
      for (let offset = 0; offset < 500; offset++) {
        await log.commit(`group ${String(offset % 3)}`, 'events', 0, { offset, metadata });
      }
      expect((await stat(join(dir(), 'positions.log'))).size).toBeLessThan(2 << 20);
      expect((await log.committed('group 1', 'events', 0))?.offset).toBe(499);
    });
  });

  describe('opening', () => {
    it('refuses another number of partitions, and says what to do', async () => {
      await (await open()).close();
      await expect(open({ topics: [{ name: 'events', partitions: 2 }] })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('set it back to 1') as string,
      });
      await expect(open()).resolves.toBeDefined();
    });

    it('refuses a folder that is in use', async () => {
      const log = await open();
      await expect(open()).rejects.toMatchObject({ code: 'LOCKED' });
      await log.close();
      await expect(open()).resolves.toBeDefined();
    });

    it.each([
      ['is gone', '4194304:x'],
      ['has its number but started at another time', `${String(process.pid)}:boot:1`],
      ['left no readable name', '?'],
    ])('takes over a lock whose process %s', async (_, content) => {
      await symlink(content, join(dir(), 'LOCK'));
      await expect(open()).resolves.toBeDefined();
      expect((await readdir(dir())).filter((name) => name.startsWith('LOCK.'))).toEqual([]);
    });

    it('warns of a topic on disk that is not declared', async () => {
      await (await open({ topics: [{ name: 'old', partitions: 1 }] })).close();
      await open();
      expect(warnings).toMatchObject([{ kind: 'topic-undeclared', topic: 'old' }]);
    });

    it('refuses reads and appends once it is closed, and ends waits', async () => {
      const log = await open();
      const waiting = log.wait('events', 0, 0, new AbortController().signal);
      await log.close();
      await waiting;
      await expect(log.append('events', 0, [])).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(log.read('events', 0, 0, { maxBytes: 1 })).rejects.toMatchObject({ code: 'CONFLICT' });
    });
  });
});

async function readHex(log: SegmentLog, maxBytes: number): Promise<string[]> {
  const { end } = log.bounds('events', 0);
  const seen: string[] = [];
  while (seen.length < end) {
    const entries = await log.read('events', 0, seen.length, { maxBytes });
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) seen.push(Buffer.from(entry.data).toString('hex'));
  }
  return seen;
}

/** A real disk whose steps fail on demand; a write that fails has written half. */
function failingDisk() {
  let failing = { step: 'nothing', code: '' };
  const check = (step: string) => {
    if (failing.step.includes(step)) throw Object.assign(new Error(failing.code), { code: failing.code });
  };
  const files: LogFiles = {
    async openForWriting(path) {
      check('create');
      const file = await nodeFiles.openForWriting(path);
      return {
        async write(data, position) {
          if (failing.step.includes('write')) await file.write(data.subarray(0, data.length / 2), position);
          check('write');
          await file.write(data, position);
        },
        async sync() {
          check('sync');
          await file.sync();
        },
        async truncate(sizeBytes) {
          check('truncate');
          await file.truncate(sizeBytes);
        },
        close: () => file.close(),
      };
    },
  };
  return { files, fail: (step: string, code: string) => (failing = { step, code }) };
}
