import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOut, PackedSlots } from '../../../stream/state/packed-slots.ts';

const { at, kinds } = layOut({ learnt: 'float', seen: 'count', since: 'time' });

function through(values: readonly number[]): number[] {
  const slots = new PackedSlots(kinds);
  // Between the slots of others.
  const row = new Uint32Array(kinds.length + 2).fill(7);
  slots.values.set(values);
  slots.store(row, 1);
  expect([row[0], row.at(-1)]).toEqual([7, 7]);
  slots.values.fill(NaN);
  slots.load(row, 1);
  return [...slots.values];
}

describe('packed slots', () => {
  it('are named in their order', () => {
    expect(at).toEqual({ learnt: 0, seen: 1, since: 2 });
    expect(kinds).toEqual(['float', 'count', 'time']);
  });

  it('are zero in a new row, as none', () => {
    const slots = new PackedSlots(kinds);
    slots.load(new Uint32Array(3), 0);
    expect([...slots.values]).toEqual([0, 0, 0]);
  });

  it('keep counts and times exactly and what was learnt to seven digits, and do not drift when kept again', () => {
    const count = fc.integer({ min: 0, max: 0xffffffff });
    const learnt = fc.double({ noNaN: true, min: -1e30, max: 1e30 });
    fc.assert(
      fc.property(learnt, count, fc.integer({ min: 0, max: 725_000_000 }), (value, seen, pane) => {
        const kept = through([value, seen, pane * 10_000]);
        expect(kept).toEqual([Math.fround(value), seen, pane * 10_000]);
        expect(through(kept)).toEqual(kept);
      }),
    );
  });

  it('stop at the highest count', () => {
    expect(through([0, 2 ** 32 + 5, 0])[1]).toBe(2 ** 32 - 1);
  });
});
