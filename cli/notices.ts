import type { EmbeddedOptions } from './embedded.ts';
import type { Output } from './output.ts';

/** The same message this soon again is not worth a line, ms. */
const REPEAT_MS = 10_000;

/**
 * Tells the operator on standard error. WARN: it recovered by itself. ERROR: somebody must act. A message that comes
 * again and again is written once in a while.
 */
export function createNotices(output: Output): EmbeddedOptions['onNotice'] {
  const told = new Map<string, number>();
  return (level, message) => {
    const now = Date.now();
    if (now - (told.get(message) ?? -Infinity) < REPEAT_MS) return;
    if (told.size > 1000) told.clear();
    told.set(message, now);
    void output.text(`${new Date(now).toISOString()} ${level.toUpperCase()} ${message}`);
  };
}
