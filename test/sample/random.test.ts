import { describe, expect, it } from 'vitest';
import { Random } from '../../sample/random.ts';
import { TimeHeap } from '../../sample/time-heap.ts';
import { Zipf } from '../../sample/zipf.ts';

describe('Random', () => {
  it('gives the same numbers for the same seed and label, and others for another label', () => {
    const draw = (label: string) =>
      Array.from(
        { length: 8 },
        (
          (random) => () =>
            random.uint32()
        )(new Random(9, label)),
      );
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  it('is uniform, normal and exponential where it says so', () => {
    const random = new Random(4);
    const mean = (draw: () => number) =>
      Array.from({ length: 50_000 }, draw).reduce((sum, value) => sum + value, 0) / 50_000;
    expect(mean(() => random.unit())).toBeCloseTo(0.5, 2);
    expect(mean(() => random.normal() ** 2)).toBeCloseTo(1, 1);
    expect(mean(() => random.wait(3))).toBeCloseTo(3, 1);
    expect(mean(() => random.integer(1, 3))).toBeCloseTo(2, 1);
  });
});

describe('Zipf', () => {
  it('draws rank r in proportion to 1 / (r + 1)', () => {
    const random = new Random(5);
    const zipf = new Zipf(4, 1);
    const counts = new Uint32Array(4);
    for (let count = 0; count < 100_000; count++) counts[zipf.draw(random)]! += 1;
    // 1 + 1/2 + 1/3 + 1/4 = 25/12.
    [0.48, 0.24, 0.16, 0.12].forEach((share, rank) => expect(counts[rank]! / 100_000).toBeCloseTo(share, 2));
  });
});

describe('TimeHeap', () => {
  it('gives items by time', () => {
    const heap = new TimeHeap<number>();
    const random = new Random(6);
    const times = Array.from({ length: 500 }, () => random.integer(0, 99));
    for (const time of times) heap.push(time, time);
    const popped: number[] = [];
    while (heap.firstTime < Infinity) popped.push(heap.pop() ?? NaN);
    expect(popped).toEqual(times.sort((one, other) => one - other));
    expect(heap.pop()).toBeUndefined();
  });
});
