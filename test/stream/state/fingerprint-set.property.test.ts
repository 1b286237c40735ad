import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FingerprintSet, hashKeyHigh } from '../../../stream/state/fingerprint-set.ts';
import { hashKey } from '../../../model/key-hash.ts';

const word = fc.oneof(fc.nat(8), fc.constantFrom(0, 0x80000000, 0xffffffff), fc.nat(0xffffffff));
const act = fc.oneof(
  { weight: 20, arbitrary: fc.record({ do: fc.constant('add' as const), low: word, high: word }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fill' as const), low: fc.nat(2_000), high: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), low: fc.constant(0), high: fc.constant(0) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('freeze' as const), low: fc.constant(0), high: fc.constant(0) }),
  },
);
const name = (low: number, high: number): string => `${low} ${high}`;

function membersOf(dump: Uint32Array): string[] {
  return Array.from({ length: dump.length / 2 }, (_, i) => name(dump[i * 2]!, dump[i * 2 + 1]!));
}

describe('FingerprintSet', () => {
  it('is a set, and what was frozen stays as it was while the set grows or is cleared', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
        const set = new FingerprintSet(4);
        const model = new Set<string>();
        const frozen: { dump: Uint32Array; members: string[] }[] = [];
        const add = (low: number, high: number): void => {
          expect(set.add(low, high)).toBe(!model.has(name(low, high)));
          model.add(name(low, high));
        };
        for (const { do: action, low, high } of acts) {
          if (action === 'add') add(low, high);
          else if (action === 'fill') for (let i = 0; i < low; i++) add(i, high);
          else if (action === 'clear') {
            set.clear();
            model.clear();
          } else frozen.push({ dump: set.freeze(), members: [...model] });
          expect(set.count).toBe(model.size);
        }
        for (const { dump, members } of frozen) {
          expect(membersOf(dump)).toEqual(members);
          const restored = new FingerprintSet();
          restored.restore(dump);
          for (let i = 0; i < dump.length; i += 2) expect(restored.add(dump[i]!, dump[i + 1]!)).toBe(false);
          expect(restored.add(7, 0x12345678)).toBe(true);
          expect(restored.has(7, 0x12345678)).toBe(true);
          expect(membersOf(restored.freeze())).toEqual([...members, name(7, 0x12345678)]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('tells apart two hundred thousand addresses by two hashes', () => {
    const set = new FingerprintSet();
    for (let i = 0; i < 200_000; i++)
      if (!set.add(hashKey(0, 0, 0xffff0000, i), hashKeyHigh(0, 0, 0xffff0000, i)))
        throw new Error(`collision at ${i}`);
    expect(set.count).toBe(200_000);
  });
});
