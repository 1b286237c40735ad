import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes that a lane holds before it stops reading. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

export interface LaneOptions {
  readonly source: Socket;
  readonly target: Socket;
  /** How long a chunk that arrives now is held back, ms. */
  readonly delayMs: () => number;
  /** Resolves when bytes may pass. */
  readonly gate: () => Promise<void>;
  /** Sees each chunk when it is about to pass; `taken` means that it was dealt with. */
  readonly onChunk: (chunk: Buffer) => 'pass' | 'taken';
}

/** Carries the bytes of one direction, in order, each chunk after its delay. Ends when either socket does. */
export async function runLane(options: LaneOptions): Promise<void> {
  const { source, target } = options;
  const queue: { readonly due: number; readonly chunk: Buffer }[] = [];
  let held = 0;
  let ended = false;
  let wake: () => void = () => undefined;
  source.on('data', (chunk: Buffer) => {
    queue.push({ due: performance.now() + options.delayMs(), chunk });
    held += chunk.length;
    if (held > HIGH_WATER_BYTES) source.pause();
    wake();
  });
  const end = (): void => {
    ended = true;
    wake();
  };
  source.once('end', end);
  source.once('close', end);
  for (;;) {
    const next = queue.shift();
    if (next === undefined) {
      if (ended) break;
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    const waitMs = next.due - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    await options.gate();
    held -= next.chunk.length;
    if (held <= HIGH_WATER_BYTES / 2) source.resume();
    if (target.destroyed) return;
    if (options.onChunk(next.chunk) === 'taken') continue;
    if (target.write(next.chunk)) continue;
    // An error is the end of the target, and a close follows: seen at the next chunk.
    await Promise.race([once(target, 'drain'), once(target, 'close')]).catch(() => undefined);
  }
  if (!target.destroyed) target.end();
}
