import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ControlKind, type Control } from '../../model/event-block.ts';
import { PartitionClock } from '../../stream/partition-clock.ts';

function control(kind: keyof typeof ControlKind, source: string, timeMs = NaN): Control {
  return { row: 0, kind: ControlKind[kind], source, timeMs, payload: '' };
}

/** The first open pane after each control. */
function panesAfter(controls: readonly Control[]): number[] {
  const clock = new PartitionClock();
  return controls.map((one) => {
    clock.apply(one);
    return clock.openPane;
  });
}

describe('PartitionClock', () => {
  it('is the lowest tick of the active sources, and waits for one that has none yet', () => {
    expect(
      panesAfter([
        control('open', 'a'),
        control('tick', 'a', 100_000),
        control('open', 'b'),
        control('tick', 'a', 200_000),
        control('tick', 'b', 150_000),
        control('tick', 'b', 300_000),
      ]),
    ).toEqual([-Infinity, 10, 10, 10, 15, 20]);
  });

  it('does not wait for an idle source, nor move without an active one, and takes an idle one back by its tick', () => {
    expect(
      panesAfter([
        control('open', 'a', 50_000),
        control('open', 'b', 100_000),
        control('idle', 'a', 50_000),
        control('idle', 'b', 100_000),
        control('tick', 'a', 70_000),
        control('tick', 'a', 120_000),
      ]),
    ).toEqual([5, 5, 10, 10, 10, 12]);
  });

  it('closes what is left once every source is closed', () => {
    expect(
      panesAfter([
        control('open', 'a', 50_000),
        control('open', 'b', 20_000),
        control('closed', 'b', 30_000),
        control('closed', 'a', 60_000),
      ]),
    ).toEqual([5, 5, 5, 7]);
  });

  it('never goes back, says when it moves, and is the same after a restore', () => {
    const kinds = fc.constantFrom('open', 'tick', 'tick', 'tick', 'idle', 'closed', 'config', 'model', 'end');
    const any = fc.record({
      kind: kinds,
      source: fc.constantFrom('a#1', 'b#1', 'b#2'),
      timeMs: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: NaN, freq: 6 }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 60 }), fc.nat(60), (controls, restoreAt) => {
        let clock = new PartitionClock();
        controls.forEach(({ kind, source, timeMs }, i) => {
          if (i === restoreAt) {
            const saved = JSON.parse(JSON.stringify(clock.save())) as unknown;
            clock = new PartitionClock();
            clock.restore(saved);
            expect(clock.save()).toEqual(saved);
          }
          const before = clock.openPane;
          const hasMoved = clock.apply(control(kind, source, timeMs));
          expect(hasMoved).toBe(clock.openPane > before);
          expect(clock.openPane).toBeGreaterThanOrEqual(before);
        });
      }),
    );
  });

  it('knows a parent by any of its incarnations, idle or not, until the last is closed', () => {
    const clock = new PartitionClock();
    clock.apply(control('open', 'logs/a#1'));
    clock.apply(control('open', 'logs/a#2'));
    clock.apply(control('closed', 'logs/a#1', 0));
    clock.apply(control('idle', 'logs/a#2'));
    expect([clock.isParentKnown('logs/a'), clock.isParentKnown('logs')]).toEqual([true, false]);
    clock.apply(control('closed', 'logs/a#2', 0));
    expect(clock.isParentKnown('logs/a')).toBe(false);
  });
});
