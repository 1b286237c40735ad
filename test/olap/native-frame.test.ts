import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VedetteError } from '../../model/errors.ts';
import { parseNative, withLogPosition } from '../../olap/native-frame.ts';
import { encodeNative } from './native-fixture.ts';

const value = { name: 'value', type: 'UInt64', kind: 'u64' } as const;

describe('a Native block in front of the log position', () => {
  it('equals the block encoded with both columns, for any rows, partition and offset', () => {
    const rows = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(rows, fc.nat(65535), fc.nat(2 ** 31 - 1), (values, partition, offset) => {
        const [head, columns] = withLogPosition(
          parseNative(encodeNative([{ spec: value, values }])),
          partition,
          offset,
        );
        const expected = encodeNative([
          { spec: { name: '_part', type: 'UInt16', kind: 'u16' }, values: values.map(() => partition) },
          { spec: { name: '_off', type: 'UInt64', kind: 'u64' }, values: values.map(() => offset) },
          { spec: value, values },
        ]);
        expect(Buffer.concat([head, columns]).equals(expected)).toBe(true);
      }),
    );
  });

  it('does not copy the columns', () => {
    const native = encodeNative([{ spec: value, values: [1, 2, 3] }]);
    const [, columns] = withLogPosition(parseNative(native), 0, 0);
    expect(columns.buffer).toBe(native.buffer);
  });

  it.each([[], [0x80], [1, 0x80], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]])(
    'is refused as corrupt where its counts are cut short or too long',
    (...bytes) => {
      expect(() => parseNative(Uint8Array.from(bytes))).toThrow(VedetteError);
    },
  );
});
