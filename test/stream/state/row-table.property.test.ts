import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowTable } from '../../../stream/state/row-table.ts';

const WORDS = 5;
/** Four rows a page, so that few rows make many pages; few distinct keys, so that they meet again. */
const OPTIONS = { pageBytes: WORDS * 8 * 4 };

type Model = Map<number, number>;

type Key = [number, number, number, number];

function longKey(id: number): Key {
  return [id % 3, 0, 0xffff0000, (id * 0x01000193) >>> 0];
}

function shortKey(id: number): Key {
  return [id % 3, (id * 0x01000193) >>> 0, 0, 0];
}

function compare(a: Key, b: Key): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

const put1 = fc.tuple(fc.constant('put' as const), fc.nat(39), fc.integer());
const change = fc.oneof(
  { weight: 8, arbitrary: put1 },
  { weight: 4, arbitrary: fc.tuple(fc.constant('remove' as const), fc.nat(39), fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const), fc.constant(0), fc.constant(0)) },
);
const act = fc.oneof(
  { weight: 6, arbitrary: change },
  { weight: 1, arbitrary: fc.tuple(fc.constant('begin' as const), fc.constant(0), fc.constant(0)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('drain' as const), fc.nat(30), fc.constant(0)) },
);

describe.each([
  { keys: '16 bytes', keyOf: longKey, create: () => new RowTable(WORDS, OPTIONS) },
  { keys: '8 bytes', keyOf: shortKey, create: () => new RowTable(WORDS, { ...OPTIONS, shortKeys: true }) },
])('RowTable with keys of $keys', ({ keyOf, create }) => {
  function put(table: RowTable, model: Model, id: number, value: number): void {
    const slot = table.upsert(...keyOf(id));
    expect(table.inserted).toBe(!model.has(id));
    table.open(slot);
    if (table.inserted) expect([...table.f64.subarray(table.at + 2, table.at + WORDS)]).toEqual([0, 0, 0]);
    table.f64[table.at + 3] = value;
    model.set(id, value);
  }

  function contentOf(table: RowTable): [string, number][] {
    return table.sortedSlots().map((slot) => {
      const keys = table.keyWords(slot);
      const at = table.keyAt(slot);
      table.peek(slot);
      return [[...keys.subarray(at, at + 4)].join(), table.f64[table.at + 3]!];
    });
  }

  function expectContent(table: RowTable, model: Model): void {
    const expected = [...model].map(([id, value]): [string, number] => [keyOf(id).join(), value]);
    expect(new Map(contentOf(table))).toEqual(new Map(expected));
    expect(table.count).toBe(model.size);
    for (let id = 0; id < 40; id++) expect(table.find(...keyOf(id)) >= 0).toBe(model.has(id));
  }

  function apply(table: RowTable, model: Model, [action, id, value]: [string, number, number]): void {
    if (action === 'put') put(table, model, id, value);
    else if (action === 'clear') {
      table.clear();
      model.clear();
    } else if (action === 'remove' && model.has(id)) {
      table.remove(table.find(...keyOf(id)));
      model.delete(id);
    }
  }

  it('is a map, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const table = create();
        const model: Model = new Map();
        for (const one of changes) apply(table, model, one);
        expectContent(table, model);
      }),
      { numRuns: 300 },
    );
  });

  it('gives a snapshot as it was when begun, drained in any order between writes, and goes on from a restore', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), fc.array(change, { maxLength: 30 }), (acts, after) => {
        const table = create();
        const model: Model = new Map();
        let frozen: { model: Model; used: number; pages: (Float64Array | undefined)[] } | undefined;
        const finish = (): void => {
          if (!frozen) return;
          for (let page = 0; page < frozen.pages.length; page++) frozen.pages[page] ??= table.drainPage(page).slice();
          table.endSnapshot();
          const restored = create();
          for (const page of frozen.pages) restored.restorePage(new Uint8Array(page!.buffer));
          restored.endRestore(frozen.used);
          expectContent(restored, frozen.model);
          for (const one of after) apply(restored, frozen.model, one);
          expectContent(restored, frozen.model);
          frozen = undefined;
        };
        for (const one of acts) {
          if (one[0] === 'begin') {
            finish();
            const { pages, used } = table.beginSnapshot();
            frozen = { model: new Map(model), used, pages: new Array<undefined>(pages).fill(undefined) };
          } else if (one[0] === 'drain') {
            const page = frozen && frozen.pages.length > 0 ? one[1] % frozen.pages.length : -1;
            if (frozen && page >= 0) frozen.pages[page] ??= table.drainPage(page).slice();
          } else apply(table, model, one);
        }
        finish();
        expectContent(table, model);
      }),
      { numRuns: 400 },
    );
  });

  it('knows those with the lowest value of a word, of equal ones those with the lowest keys', () => {
    const value = fc.integer({ min: 0, max: 5 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.nat(39), value), { selector: ([id]) => id }), fc.nat(45), (rows, n) => {
        const table = create();
        for (const [id, one] of rows) {
          const slot = table.upsert(...keyOf(id));
          table.open(slot);
          table.u32[table.at * 2 + 6] = one;
        }
        const order = ([idA, a]: [number, number], [idB, b]: [number, number]): number =>
          a - b || compare(keyOf(idA), keyOf(idB));
        const expected = [...rows].sort(order).slice(0, n);
        const found = table.lowestByWord(6, n);
        expect(new Set(found)).toEqual(new Set(expected.map(([id]) => table.find(...keyOf(id)))));
        expect(found).toHaveLength(expected.length);
      }),
    );
  });

  it('costs its stride and about eight bytes a row', () => {
    const table = new RowTable(20);
    for (let id = 0; id < 100_000; id++) table.upsert(0, 0, 0xffff0000, id);
    expect(table.byteLength / table.count).toBeLessThan(20 * 8 + 12);
  });

  it('gives back memory when it is cleared after far less than it once held', () => {
    const table = create();
    for (let id = 0; id < 10_000; id++) table.upsert(0, 0, 1, id);
    const full = table.byteLength;
    table.clear();
    table.upsert(0, 0, 1, 1);
    table.clear();
    expect(table.byteLength).toBeLessThan(full / 100);
  });
});
