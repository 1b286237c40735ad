import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HighWater, parseNote } from '../../olap/high-water.ts';

describe('the highest position of each source', () => {
  it('only rises', () => {
    const high = new HighWater(10);
    high.raise('a', 5);
    high.raise('a', 3);
    expect(high.get('a')).toBe(5);
    expect(high.get('b')).toBeUndefined();
  });

  it('forgets the source that was quiet longest', () => {
    const high = new HighWater(2);
    high.raise('a', 1);
    high.raise('b', 1);
    high.raise('a', 2);
    high.raise('c', 1);
    expect([high.get('a'), high.get('b'), high.get('c')]).toEqual([2, undefined, 1]);
  });

  it('is the same after a note is written and read, whatever the sources are called', () => {
    const raises = fc.array(fc.tuple(fc.string(), fc.nat()), { maxLength: 50 });
    fc.assert(
      fc.property(raises, raises, (before, after) => {
        const kept = new HighWater(7);
        for (const [source, position] of before) kept.raise(source, position);
        const restored = parseNote(kept.note({ first: 1, last: 2 }), 7);
        expect(restored.intent).toEqual({ first: 1, last: 2 });
        for (const [source, position] of after) {
          kept.raise(source, position);
          restored.high.raise(source, position);
        }
        expect(restored.high.note()).toBe(kept.note());
      }),
    );
  });

  it.each(['', 'null', '{}', '{"v":2,"high":[]}', '{"v":1,"high":[["a"]]}'])(
    'refuses a note that is not its own: %s',
    (note) => {
      expect(() => parseNote(note, 5)).toThrow(/note/);
    },
  );
});
