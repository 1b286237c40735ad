import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceClock } from '../../ingest/source-clock.ts';

const WALL_MS = Date.UTC(2026, 5, 1);
const HOUR_MS = 3_600_000;

function clockAt(timeMs: number, disorderMs = 10_000): SourceClock {
  const clock = new SourceClock({ disorderMs });
  clock.observe(timeMs, WALL_MS);
  return clock;
}

describe('SourceClock', () => {
  it('ticks to the newest time less the disorder, cut to a pane, and calls late what is older', () => {
    const clock = clockAt(WALL_MS - HOUR_MS + 25_000);
    expect(clock.tickMs).toBe(WALL_MS - HOUR_MS + 10_000);
    expect(clock.observe(WALL_MS - HOUR_MS + 10_000, WALL_MS)).toBe(false);
    expect(clock.observe(WALL_MS - HOUR_MS + 9_999, WALL_MS)).toBe(true);
    expect(clock.endMs).toBe(WALL_MS - HOUR_MS + 30_000);
  });

  it.each([
    ['ten minutes before the wall clock', WALL_MS - 1000, WALL_MS + 600_001],
    ["a day past the source's newest", WALL_MS - 100 * 24 * HOUR_MS, WALL_MS - 99 * 24 * HOUR_MS + 10],
  ])('does not follow one record that leaps to %s', (_, startMs, leapMs) => {
    const clock = clockAt(startMs);
    const { tickMs } = clock;
    clock.observe(leapMs, WALL_MS);
    clock.observe(startMs + 1, WALL_MS);
    clock.observe(leapMs, WALL_MS);
    clock.observe(leapMs, WALL_MS);
    clock.observe(startMs + 2, WALL_MS);
    expect(clock.tickMs).toBe(tickMs);
  });

  it('follows when three in a row leap, to the lowest of them', () => {
    const clock = clockAt(WALL_MS);
    for (const ahead of [2, 9, 3]) clock.observe(WALL_MS + ahead * HOUR_MS, WALL_MS);
    expect(clock.newestMs).toBe(WALL_MS + 2 * HOUR_MS);
    expect(clock.observe(WALL_MS, WALL_MS)).toBe(true);
  });

  it('calls late what leaps until three agree, and follows a source that runs ahead from there on', () => {
    const clock = clockAt(WALL_MS);
    const ahead = [0, 1, 2, 3, 4].map((second) => clock.observe(WALL_MS + HOUR_MS + second * 1000, WALL_MS));
    expect(ahead).toEqual([true, true, false, false, false]);
    expect(clock.newestMs).toBe(WALL_MS + HOUR_MS + 4000);
  });

  it('never goes back, and is never ahead of what a majority of three has seen', () => {
    const times = fc.array(
      fc.oneof(fc.integer({ min: -HOUR_MS, max: HOUR_MS }), fc.integer({ min: -1e12, max: 1e13 })),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(times, fc.constantFrom(0, 10_000, 900_000), (offsets, disorderMs) => {
        const clock = new SourceClock({ disorderMs });
        const taken: number[] = [];
        for (const offset of offsets) {
          const timeMs = WALL_MS + offset;
          const { tickMs, newestMs } = clock;
          const isLate = clock.observe(timeMs, WALL_MS);
          taken.push(timeMs);
          const isOlder = timeMs < tickMs;
          const isUnagreed = timeMs > newestMs && clock.newestMs === newestMs;
          expect(isLate).toBe(isOlder || isUnagreed);
          expect(clock.tickMs).toBeGreaterThanOrEqual(tickMs);
          expect(clock.newestMs).toBeGreaterThanOrEqual(newestMs);
          if (clock.newestMs !== -Infinity) {
            expect(clock.tickMs).toBe(Math.max(tickMs, Math.floor((clock.newestMs - disorderMs) / 10_000) * 10_000));
            expect(taken).toContain(clock.newestMs);
          }
          if (clock.newestMs > WALL_MS + 600_000 && newestMs <= WALL_MS)
            expect(taken.filter((time) => time >= clock.newestMs).length).toBeGreaterThanOrEqual(3);
        }
        const restored = new SourceClock({ disorderMs });
        restored.restore(JSON.parse(JSON.stringify(clock.save())));
        for (const next of [WALL_MS, WALL_MS + 2 * HOUR_MS, WALL_MS + 3 * HOUR_MS]) {
          expect(restored.observe(next, WALL_MS)).toBe(clock.observe(next, WALL_MS));
          expect(restored.save()).toEqual(clock.save());
        }
      }),
    );
  });
});
