import { setTimeout as sleep } from 'node:timers/promises';
import { tameAllocator } from '../../cli/allocator.ts';

/** Takes memory in small pieces, lets most of them go, and says how much stays resident. */
const PIECES = 6_400;
const PIECE_BYTES = 48 << 10;
const KEPT = 10;

const residentMb = (): number => Math.round(process.memoryUsage().rss / 1e6);

if (process.argv[2] === 'tamed') await tameAllocator();
const kept = take();
// Twice, with a pause: what was let go is freed beside.
for (let i = 0; i < 2; i++) {
  globalThis.gc!();
  await sleep(50);
}
const before = residentMb();
// It looks once a second.
await sleep(2500);
console.log(JSON.stringify({ before, after: residentMb(), kept: kept.length }));

function take(): Buffer[] {
  const pieces = Array.from({ length: PIECES }, () => Buffer.alloc(PIECE_BYTES, 1));
  return pieces.filter((_, i) => i % KEPT === 0);
}
