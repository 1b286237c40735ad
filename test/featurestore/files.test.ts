import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpointFiles } from '../../featurestore/files/index.ts';
import { describeCheckpointStore } from './checkpoint-store.contract.ts';

describeCheckpointStore('Files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vedette-checkpoints-'));
  return {
    open: (onWarning) => openCheckpointFiles({ dir, ...(onWarning && { onWarning }) }),
    damageNewest: (key) => truncate(join(dir, `${key}.ckpt`), 40),
    damageAll: async (key) => {
      for (const ending of ['ckpt', 'prev']) await truncate(join(dir, `${key}.${ending}`), 40);
    },
    remove: () => rm(dir, { recursive: true }),
  };
});

describe('checkpoint files', () => {
  let dir: string;
  const warnings: string[] = [];
  const open = () => openCheckpointFiles({ dir, onWarning: (message) => void warnings.push(message) });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vedette-checkpoints-'));
    warnings.length = 0;
  });
  afterEach(() => rm(dir, { recursive: true }));

  async function write(key: string, version: number): Promise<void> {
    const writer = await (await open()).begin(key);
    await writer.write('pages', Buffer.alloc(300, version));
    await writer.write('empty', new Uint8Array(0));
    await writer.write('pages', Buffer.from('ä'.repeat(version)));
    await writer.commit({ version });
  }

  async function read(key: string): Promise<unknown> {
    const found = await (await open()).load(key);
    if (!found) return undefined;
    const parts: [string, number][] = [];
    for await (const { name, bytes } of found.parts) parts.push([name, bytes.length]);
    return { ...(found.meta as object), parts };
  }

  const whole = (version: number) => ({ version, parts: [['pages', 300], ['empty', 0], ['pages', 2 * version]] }); // prettier-ignore

  it('fall back to the one before wherever the newest is cut off, or has one bit that is wrong', async () => {
    await write('a', 1);
    await write('a', 2);
    const newest = join(dir, 'a.ckpt');
    const content = await readFile(newest);
    for (let size = 0; size < content.length; size += 13) {
      await writeFile(newest, content.subarray(0, size));
      expect(await read('a'), `${size} bytes`).toEqual(whole(1));
    }
    for (let at = 0; at < content.length; at += 7) {
      const wrong = Buffer.from(content);
      wrong[at]! ^= 4;
      await writeFile(newest, wrong);
      // Two bytes of a frame's header mean nothing.
      const found = (await read('a')) as { version: number };
      expect([whole(1), whole(2)]).toContainEqual(found);
      if (found.version === 2) expect(wrong[at]! ^ 4).toBe(0);
    }
    expect(warnings[0]).toMatch(/a\.ckpt is damaged and is passed over/);
  });

  it('fall back where the process ended between the two renames', async () => {
    await write('a', 1);
    await write('a', 2);
    await rm(join(dir, 'a.ckpt'));
    expect(await read('a')).toEqual(whole(1));
  });

  it('leave nothing of one that was given up', async () => {
    await write('a', 1);
    const writer = await (await open()).begin('a');
    await writer.write('pages', Buffer.alloc(10));
    await writer.abort();
    expect((await readdir(dir)).sort()).toEqual(['a.ckpt']);
    expect(await read('a')).toEqual(whole(1));
  });
});
