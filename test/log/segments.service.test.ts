import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSegmentLog } from '../../log/segments/index.ts';
import type { SegmentLog } from '../../log/segments/segment-log.ts';
import type { LogWarning } from '../../log/segments/warnings.ts';

const APPENDER = fileURLToPath(new URL('segment-appender.ts', import.meta.url));

interface Printed {
  readonly acknowledged: number[];
  readonly committed: number[];
  readonly rejected: string[];
}

describe('the segment log, its process killed with kill -9', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'vedette-log-'));
  });

  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  /** Lets a process append until it is killed, by itself or after so many acknowledged records. */
  async function appendUntilKilled(
    stop: { at: string } | { afterRecords: number } | { fileBlocks: number },
  ): Promise<Printed> {
    const limit = 'fileBlocks' in stop ? `ulimit -f ${String(stop.fileBlocks)}; ` : '';
    const child = spawn(
      'sh',
      ['-c', `${limit}exec "$0" --import tsx "$@"`, process.execPath, APPENDER, dir, 'at' in stop ? stop.at : ''],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = once(child, 'exit');
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if ('afterRecords' in stop && text.split('\n').length > stop.afterRecords) child.kill('SIGKILL');
    });
    await Promise.all([ended, once(child.stdout, 'close')]);
    const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
    const numbers = (pattern: RegExp) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []).map(Number);
    return {
      acknowledged: numbers(/^(\d+)$/),
      committed: numbers(/^commit (\d+)$/),
      rejected: lines.flatMap((line) => /^rejected (.*)$/.exec(line)?.[1] ?? []),
    };
  }

  async function expectAll(printed: Printed): Promise<void> {
    const warnings: LogWarning[] = [];
    const log = await openSegmentLog({
      dir,
      topics: [{ name: 'events', partitions: 1 }],
      maxBytes: 1 << 30,
      segmentBytes: 64 << 10,
      fsync: 'group',
      onWarning: (warning) => warnings.push(warning),
    });
    const { end } = log.bounds('events', 0);
    expect(end).toBeGreaterThan(Math.max(-1, ...printed.acknowledged));
    expect(await readOffsets(log)).toEqual(Array.from({ length: end }, (_, offset) => offset));
    const committed = await log.committed('reader', 'events', 0);
    if (printed.committed.length > 0) expect(committed?.offset).toBeGreaterThanOrEqual(Math.max(...printed.committed));
    expect(warnings.filter((warning) => warning.kind !== 'tail-cut')).toEqual([]);
    await log.close();
  }

  it.each([
    'log:written:1',
    'log:written:40',
    'log:synced:30',
    'log:rolled:1',
    'log:rolled:2',
    'positions:written:3',
    'positions:synced:3',
  ])('has every acknowledged record and position when it dies at %s', async (point) => {
    await expectAll(await appendUntilKilled({ at: point }));
  });

  it('has every acknowledged record when it dies at any moment, several times over', async () => {
    for (const afterRecords of [30, 200, 700]) {
      const printed = await appendUntilKilled({ afterRecords });
      expect(printed.acknowledged.length).toBeGreaterThan(10);
      await expectAll(printed);
    }
  });

  it('says LOG_FULL where the system refuses a longer file, and keeps what it had acknowledged', async () => {
    const printed = await appendUntilKilled({ fileBlocks: 50 });
    expect(printed.rejected).toEqual(['LOG_FULL']);
    expect(printed.acknowledged.length).toBeGreaterThan(3);
    await expectAll(printed);
  });
});

async function readOffsets(log: SegmentLog): Promise<number[]> {
  const offsets: number[] = [];
  for (;;) {
    const entries = await log.read('events', 0, offsets.length, { maxBytes: 1 << 16 });
    if (entries.length === 0) return offsets;
    for (const { offset, data } of entries) offsets.push(isAsAppended(data) ? offset : NaN);
  }
}

/** A record is one byte, repeated. */
function isAsAppended(data: Uint8Array): boolean {
  return data.length > 0 && data.every((byte) => byte === data[0]);
}
