import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openSegmentLog, type SegmentLogOptions } from '../../log/segments/index.ts';
import type { SegmentLog } from '../../log/segments/segment-log.ts';
import type { LogWarning } from '../../log/segments/warnings.ts';

/** A folder for each test, and logs in it that are closed after the test. One topic, `events`, of one partition. */
export function useSegmentLog() {
  let dir = '';
  const warnings: LogWarning[] = [];
  const opened: SegmentLog[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vedette-log-'));
    warnings.length = 0;
  });

  afterEach(async () => {
    for (const log of opened.splice(0)) await log.close();
    await rm(dir, { recursive: true });
  });

  async function open(options: Partial<SegmentLogOptions> = {}): Promise<SegmentLog> {
    const log = await openSegmentLog({
      dir,
      topics: [{ name: 'events', partitions: 1 }],
      maxBytes: 1 << 24,
      segmentBytes: 1 << 20,
      fsync: 'group',
      onWarning: (warning) => warnings.push(warning),
      ...options,
    });
    opened.push(log);
    return log;
  }

  const folder = () => join(dir, 'topics', 'events', '0');
  const segmentFile = (base = 0) => join(folder(), `${String(base).padStart(16, '0')}.log`);

  return {
    open,
    warnings,
    folder,
    segmentFile,
    dir: () => dir,
    kinds: () => warnings.map((warning) => warning.kind),
    /** As after a crash: the first segment has to be scanned. */
    forgetIndex: () => rm(segmentFile().replace('.log', '.index')),
  };
}

/** One append, and so one batch, for each value. */
export async function appendEach(log: SegmentLog, values: readonly string[]): Promise<void> {
  for (const value of values) await log.append('events', 0, [Buffer.from(value)]);
}

export async function flipBit(path: string, position: number): Promise<void> {
  const content = await readFile(path);
  content[position] = content[position]! ^ 0x40;
  await writeFile(path, content);
}
