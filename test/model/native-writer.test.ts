import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DictColumn, FixedColumn } from '../../model/native-writer.ts';

function written(column: DictColumn, rows: number): string {
  const out = new Uint8Array(column.encodedSize(rows));
  expect(column.writeTo(out, 0, rows)).toBe(out.length);
  return Buffer.from(out).toString('hex');
}

describe('a dictionary column', () => {
  it('holds the same whether a text is set as one that repeats or as bytes, also after it was cleared', () => {
    const texts = ['', 'a', 'eth0', 'source:1'].map((text) => Buffer.from(text));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { minLength: 1, maxLength: 20 }), (rows) => {
        const plain = new DictColumn(64);
        const repeating = new DictColumn(64);
        for (let round = 0; round < 2; round++) {
          rows.forEach(([text, isConstant], row) => {
            const bytes = texts[text]!;
            plain.set(row, bytes, 0, bytes.length);
            if (isConstant) repeating.setConstant(row, bytes);
            else repeating.set(row, bytes, 0, bytes.length);
          });
          expect(written(repeating, rows.length)).toBe(written(plain, rows.length));
          plain.clear(rows.length);
          repeating.clear(rows.length);
        }
      }),
    );
  });
});

describe('a column of 64-bit numbers', () => {
  it.each([0, 1, 2 ** 32 - 1, 2 ** 32, Date.UTC(2026, 0, 5), 2 ** 53 - 1, -1, -86_400_000])('holds %d', (value) => {
    const column = new FixedColumn(8, 2);
    column.setU64(1, 2 ** 53 - 1);
    column.setU64(1, value);
    const out = new Uint8Array(16);
    column.writeTo(out, 0, 2);
    expect(Number(new DataView(out.buffer).getBigInt64(8, true))).toBe(value);
  });
});
