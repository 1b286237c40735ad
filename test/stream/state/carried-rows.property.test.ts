import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CarriedRows, placesOf, type FieldKind } from '../../../stream/state/carried-rows.ts';

const KINDS: readonly FieldKind[] = ['half', 'word', 'half', 'greatest', 'word', 'half'];
const PLACES = placesOf(KINDS);

interface Step {
  readonly key: number;
  readonly field: number;
  readonly amount: number;
}

/** Small, about where a field is full, and far more than it takes. */
const amount = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 65_534, max: 65_538 }),
  fc.integer({ min: 2 ** 32 - 2, max: 2 ** 32 + 2 }),
  fc.integer({ min: 0, max: 2 ** 45 }),
);
const step = fc.record({ key: fc.integer({ min: 1, max: 5 }), field: fc.nat({ max: KINDS.length - 1 }), amount });
const steps = fc.array(step, { maxLength: 60 });

function take(table: CarriedRows, { key, field, amount: given }: Step): void {
  table.openKey(0, 0, 0xffff0000, key);
  if (KINDS[field] === 'half') table.addHalf(PLACES[field]!, given);
  else if (KINDS[field] === 'word') table.addWord(PLACES[field]!, given);
  else table.raise(PLACES[field]!, given);
}

function contentOf(table: CarriedRows): Record<number, number[]> {
  const content: Record<number, number[]> = {};
  for (const slot of table.rows.sortedSlots()) {
    const values = new Float64Array(KINDS.length);
    table.read(slot, values);
    expect([...values]).toEqual(KINDS.map((_kind, field) => table.valueOf(slot, field)));
    content[table.rows.wordOf(slot, 3)] = [...values];
  }
  return content;
}

function plain(given: readonly Step[]): Record<number, number[]> {
  const content: Record<number, number[]> = {};
  for (const { key, field, amount: added } of given) {
    const row = (content[key] ??= KINDS.map(() => 0));
    row[field] = KINDS[field] === 'greatest' ? Math.max(row[field]!, added) : row[field]! + added;
  }
  return content;
}

/** What a checkpoint would hold, in the order of keys. */
function bytesOf(table: CarriedRows): string[] {
  return [table.rows, table.carries].flatMap((rows) =>
    rows.sortedSlots().map((slot) => {
      rows.peek(slot);
      return Buffer.from(rows.f64.slice(rows.at, rows.at + rows.words).buffer).toString('hex');
    }),
  );
}

describe('rows with carries', () => {
  it('hold what plain numbers hold, whatever their size', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const table = new CarriedRows(KINDS);
        for (const one of given) take(table, one);
        expect(contentOf(table)).toEqual(plain(given));
      }),
    );
  });

  it('are the same bytes in whatever order the same was added', () => {
    fc.assert(
      fc.property(
        steps.chain((given) =>
          fc.tuple(
            fc.constant(given),
            fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }),
          ),
        ),
        ([given, shuffled]) => {
          const one = new CarriedRows(KINDS);
          const other = new CarriedRows(KINDS);
          for (const each of given) take(one, each);
          for (const each of shuffled) take(other, each);
          expect(bytesOf(other)).toEqual(bytesOf(one));
        },
      ),
    );
  });

  it('take a whole row at a time, and set fields back to 0 without a trace', () => {
    fc.assert(
      fc.property(steps, fc.nat({ max: KINDS.length }), (given, kept) => {
        const table = new CarriedRows(KINDS);
        const values = plain(given);
        for (const [key, row] of Object.entries(values)) {
          table.openKey(0, 0, 0xffff0000, Number(key));
          table.add(Float64Array.from(row), 0);
        }
        expect(contentOf(table)).toEqual(values);
        const wanted = new CarriedRows(KINDS);
        for (const [key, row] of Object.entries(values)) {
          table.openKey(0, 0, 0xffff0000, Number(key));
          table.zero(kept, KINDS.length - kept);
          wanted.openKey(0, 0, 0xffff0000, Number(key));
          wanted.add(Float64Array.from(row.slice(0, kept)), 0);
        }
        expect(bytesOf(table)).toEqual(bytesOf(wanted));
      }),
    );
  });

  it('leave no carry behind when a row is removed', () => {
    const table = new CarriedRows(KINDS);
    take(table, { key: 1, field: 0, amount: 70_000 });
    take(table, { key: 2, field: 3, amount: 2 ** 40 });
    table.remove(table.rows.find(0, 0, 0xffff0000, 1));
    expect(contentOf(table)).toEqual({ 2: [0, 0, 0, 2 ** 40, 0, 0] });
    expect(table.carries.count).toBe(1);
    table.remove(table.rows.find(0, 0, 0xffff0000, 2));
    expect(table.carries.count).toBe(0);
  });
});
