import { openSegmentLog } from '../../log/segments/index.ts';
import type { LogPoint } from '../../log/segments/stats.ts';

/*
 * Appends to the log in argv[2] until it is killed, and prints the offset of each record once it is acknowledged,
 * and `commit N` for each position. argv[3]: POINT:COUNT, where it kills itself when it has passed there that often,
 * or nothing. An append that is rejected is printed by its code, and ends it.
 */
const [, , dir = '', stop = ''] = process.argv;
const [, stopPoint, stopCount] = /^(.*):(\d+)$/.exec(stop) ?? [];
let passed = 0;

function at(point: LogPoint): void {
  if (point === stopPoint && ++passed === Number(stopCount)) process.kill(process.pid, 'SIGKILL');
}

const log = await openSegmentLog({
  dir,
  topics: [{ name: 'events', partitions: 1 }],
  maxBytes: 1 << 30,
  segmentBytes: 64 << 10,
  fsync: 'group',
  at,
});
process.stdout.write(`open ${String(log.bounds('events', 0).end)}\n`);

async function appendOn(): Promise<void> {
  for (;;) {
    const { end } = log.bounds('events', 0);
    const offset = await log.append('events', 0, [Buffer.alloc(1 + ((end * 7919) % 5000), end)]);
    process.stdout.write(`${String(offset)}\n`);
    if (offset % 5 !== 0) continue;
    await log.commit('reader', 'events', 0, { offset, metadata: String(offset) });
    process.stdout.write(`commit ${String(offset)}\n`);
  }
}

try {
  await Promise.all(Array.from({ length: 4 }, () => appendOn()));
} catch (error) {
  process.stdout.write(`rejected ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}\n`);
  await log.close();
}
