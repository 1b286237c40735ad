import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SegmentLog } from '../../log/segments/segment-log.ts';
import { readAll } from './event-log.contract.ts';
import { appendEach, flipBit, useSegmentLog } from './segment-log.fixture.ts';

describe('the segment log', () => {
  const { open, warnings, folder, segmentFile, dir, kinds, forgetIndex } = useSegmentLog();

  describe('after a crash', () => {
    it('cuts a last record that is torn at any byte, keeps those before, and goes on', async () => {
      const log = await open();
      await appendEach(log, ['first', 'second']);
      const { size: goodBytes } = await stat(segmentFile());
      await appendEach(log, ['the last record']);
      await log.close();
      const whole = await readFile(segmentFile());
      for (let length = goodBytes; length < whole.length; length++) {
        warnings.length = 0;
        await writeFile(segmentFile(), whole.subarray(0, length));
        await forgetIndex();
        const again = await open();
        expect(await readAll(again, 'events', 0)).toEqual(['0 first', '1 second']);
        expect(kinds()).toEqual(length > goodBytes ? ['tail-cut'] : []);
        expect(again.stats().tornBytes).toBe(length - goodBytes);
        await appendEach(again, ['new']);
        expect(await readAll(again, 'events', 0)).toEqual(['0 first', '1 second', '2 new']);
        await again.close();
      }
    });

    it('cuts a last record with any byte flipped, and garbage or a hole behind the last record', async () => {
      const log = await open();
      await appendEach(log, ['first', 'second']);
      const { size: goodBytes } = await stat(segmentFile());
      await appendEach(log, ['the last record']);
      await log.close();
      const whole = await readFile(segmentFile());
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            fc
              .tuple(fc.integer({ min: goodBytes, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }))
              .map(([at, mask]) => {
                const content = Buffer.from(whole);
                content[at] = content[at]! ^ mask;
                return content;
              }),
            fc
              .uint8Array({ minLength: 1, maxLength: 200 })
              .map((tail) => Buffer.concat([whole.subarray(0, goodBytes), tail])),
            fc
              .constantFrom(1, 19, 20, 21, 4096)
              .map((zeros) => Buffer.concat([whole.subarray(0, goodBytes), Buffer.alloc(zeros)])),
          ),
          async (content) => {
            await writeFile(segmentFile(), content);
            await forgetIndex();
            const again = await open();
            expect(await readAll(again, 'events', 0)).toEqual(['0 first', '1 second']);
            await again.close();
          },
        ),
        { numRuns: 60 },
      );
    });

    it('does not cut acknowledged records behind a damaged one', async () => {
      const log = await open();
      await appendEach(log, ['first', 'second', 'third', 'fourth']);
      await log.close();
      await forgetIndex();
      await flipBit(segmentFile(), 32 + 25 + 20);
      const again = await open();
      expect(kinds()).toEqual(['records-damaged']);
      expect(again.bounds('events', 0)).toEqual({ earliest: 0, end: 4 });
      expect((await again.read('events', 0, 2, { maxBytes: 100 })).map((entry) => entry.offset)).toEqual([2, 3]);
      await expect(again.read('events', 0, 1, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    });

    it('cuts a batch that was never acknowledged from its first damaged record on', async () => {
      const log = await open();
      await appendEach(log, ['first']);
      await log.append(
        'events',
        0,
        ['second', 'third', 'fourth'].map((value) => Buffer.from(value)),
      );
      await log.close();
      await forgetIndex();
      await flipBit(segmentFile(), 32 + 25 + 20);
      const again = await open();
      expect(kinds()).toEqual(['tail-cut']);
      expect(await readAll(again, 'events', 0)).toEqual(['0 first']);
    });

    it('survives a segment that was created and is still empty', async () => {
      const log = await open({ segmentBytes: 100 });
      await appendEach(log, ['a'.repeat(60)]);
      await log.close();
      await writeFile(segmentFile(1), '');
      const again = await open({ segmentBytes: 100 });
      expect(again.bounds('events', 0)).toEqual({ earliest: 0, end: 1 });
      await appendEach(again, ['b']);
      expect(await readAll(again, 'events', 0)).toEqual([`0 ${'a'.repeat(60)}`, '1 b']);
      expect(warnings).toEqual([]);
    });

    it('goes on in the segment before when one could not be started', async () => {
      const log = await open();
      await appendEach(log, ['a', 'b', 'c']);
      await log.close();
      await writeFile(segmentFile(2), '');
      const again = await open();
      expect(await again.append('events', 0, [Buffer.from('d')])).toBe(3);
      expect(await readAll(again, 'events', 0)).toEqual(['0 a', '1 b', '2 c', '3 d']);
      await again.close();
      expect(await readAll(await open(), 'events', 0)).toEqual(['0 a', '1 b', '2 c', '3 d']);
    });

    it('never gives an offset out twice that a group has gone past', async () => {
      const log = await open();
      await appendEach(log, ['first', 'second', 'third']);
      await log.commit('sink', 'events', 0, { offset: 3, metadata: '' });
      await log.close();
      await truncate(segmentFile(), 32 + 25);
      const again = await open();
      expect(kinds()).toEqual(['records-missing']);
      expect(again.bounds('events', 0)).toEqual({ earliest: 0, end: 3 });
      expect(await again.append('events', 0, [Buffer.from('fourth')])).toBe(3);
      await expect(again.read('events', 0, 1, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
      expect(await again.skipDamaged('events', 0, 1)).toBe(3);
      await again.close();
      const third = await open();
      expect(third.bounds('events', 0)).toEqual({ earliest: 0, end: 4 });
    });

    it('has the positions before one that was torn', async () => {
      const log = await open();
      await log.commit('sink', 'events', 0, { offset: 1, metadata: 'one' });
      await log.commit('sink', 'events', 0, { offset: 2, metadata: 'two' });
      await log.close();
      const path = join(dir(), 'positions.log');
      const { size } = await stat(path);
      await truncate(path, size - 1);
      const again = await open();
      expect(await again.committed('sink', 'events', 0)).toEqual({ offset: 1, metadata: 'one' });
      expect(kinds()).toContain('tail-cut');
    });
  });

  describe('with damage in an old segment', () => {
    const values = Array.from({ length: 30 }, (_, index) => `record ${String(index)} ${'x'.repeat(100)}`);

    async function openSmall(): Promise<SegmentLog> {
      return open({ segmentBytes: 1000 });
    }

    it.each([
      ['its data', 40],
      ['its length', 13],
      ['its offset', 7],
      ['its checksum', 1],
    ])('says LOG_CORRUPT for the record alone when %s is hit, and reads on behind it', async (_, position) => {
      const log = await openSmall();
      await appendEach(log, values);
      await log.close();
      const frame = 20 + values[0]!.length;
      await flipBit(segmentFile(), 32 + 2 * frame + position);
      const again = await openSmall();
      expect((await again.read('events', 0, 0, { maxBytes: 10_000 })).map((entry) => entry.offset)).toEqual([0, 1]);
      await expect(again.read('events', 0, 2, { maxBytes: 10_000 })).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
      expect(await again.skipDamaged('events', 0, 2)).toBe(3);
      expect(again.stats().skippedDamaged).toBe(1);
      expect((await again.read('events', 0, 3, { maxBytes: 200 })).map((entry) => entry.offset)).toEqual([3]);
      expect(await again.skipDamaged('events', 0, 3)).toBe(3);
      expect(again.stats().skippedDamaged).toBe(1);
    });

    it('goes on in the next segment when the rest of one is lost', async () => {
      const log = await openSmall();
      await appendEach(log, values);
      await log.close();
      const bases = (await readdir(folder())).filter((name) => name.endsWith('.log')).map((name) => parseInt(name, 10));
      await truncate(segmentFile(), 32 + 20 + values[0]!.length + 5);
      const again = await openSmall();
      expect(kinds()).toEqual(['records-damaged']);
      await expect(again.read('events', 0, 1, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
      expect(await again.skipDamaged('events', 0, 1)).toBe(bases[1]);
    });

    it('is not led astray by a record that holds frames of another log', async () => {
      const forged = await open({ dir: join(dir(), 'other') });
      await appendEach(forged, ['a', 'b', 'forged']);
      await forged.close();
      const bait = await readFile(join(dir(), 'other', 'topics', 'events', '0', '0000000000000000.log'));
      const log = await openSmall();
      await log.append('events', 0, [bait]);
      await appendEach(log, values);
      await log.close();
      await flipBit(segmentFile(), 1 + 32);
      const again = await openSmall();
      expect(await again.skipDamaged('events', 0, 0)).toBe(1);
      expect(Buffer.from((await again.read('events', 0, 1, { maxBytes: 1 }))[0]!.data).toString()).toBe(values[0]);
    });

    it('scans a segment again whose index is damaged or missing', async () => {
      const log = await openSmall();
      await appendEach(log, values);
      await log.close();
      await flipBit(segmentFile().replace('.log', '.index'), 17);
      const again = await openSmall();
      expect(await readAll(again, 'events', 0)).toEqual(values.map((value, index) => `${String(index)} ${value}`));
    });
  });
});
