import { createHash } from 'node:crypto';
import type { FingerprintSet } from './state/fingerprint-set.ts';
import type { RowTable } from './state/row-table.ts';

/** A stage as checkpoints and digests see it. */
export interface Snapshotable {
  /** Name of every table and its rows; names are unique in a stage. */
  tables(): [name: string, table: RowTable][];
  sets(): [name: string, set: FingerprintSet][];
  /** Everything else: small, JSON. */
  saveMeta(): unknown;
  /** Takes back the meta, before the tables. */
  restoreMeta(meta: unknown): void;
  /** The empty table or set that a part of this name belongs in; undefined where the layout has none. */
  tableOf(name: string): RowTable | undefined;
  restoreSet(name: string, members: Uint32Array): void;
  /** After all parts are back. */
  restored(): void;
  /** Words of a table's rows that refer to names by number. */
  nameWords(table: string): readonly number[];
  /** Which state a row's words are, with versions: other layouts are dropped, not misread. */
  layout(table: string): string;
}

export interface Part {
  readonly name: string;
  bytes(): Uint8Array;
}

/** State frozen at one moment; the stage goes on while `parts` are taken. */
export interface Snapshot {
  /** JSON. */
  readonly meta: string;
  readonly parts: Iterable<Part>;
  /** To be called once, when all parts are taken or none will be any more. */
  release(): void;
}

interface SavedMeta {
  readonly stage: unknown;
  readonly tables: readonly { readonly name: string; readonly used: number; readonly layout: string }[];
}

export function takeSnapshot(stage: Snapshotable): Snapshot {
  const tables = stage.tables().map(([name, table]) => ({ name, table, ...table.beginSnapshot() }));
  const sets = stage.sets().map(([name, set]) => ({ name, members: set.freeze() }));
  const meta: SavedMeta = {
    stage: stage.saveMeta(),
    tables: tables.map(({ name, used }) => ({ name, used, layout: stage.layout(name) })),
  };
  function* parts(): Generator<Part> {
    for (const { name, table, pages } of tables)
      for (let page = 0; page < pages; page++)
        yield {
          name: `table ${page} ${name}`,
          bytes: () => {
            const rows = table.drainPage(page);
            return new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
          },
        };
    for (const { name, members } of sets)
      yield {
        name: `set 0 ${name}`,
        bytes: () => new Uint8Array(members.buffer, members.byteOffset, members.byteLength),
      };
  }
  return {
    // As text at once: the stage goes on changing what it is made of.
    meta: JSON.stringify(meta),
    parts: parts(),
    release: () => {
      for (const { table } of tables) table.endSnapshot();
    },
  };
}

/** Puts a snapshot's content back into a fresh stage. Gives the names of tables that another layout wrote: dropped. */
export async function restoreSnapshot(
  stage: Snapshotable,
  meta: string,
  parts: AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>,
): Promise<string[]> {
  const saved = JSON.parse(meta) as SavedMeta;
  stage.restoreMeta(saved.stage);
  const dropped: string[] = [];
  const tables = new Map<string, { table: RowTable; used: number }>();
  for (const { name, used, layout } of saved.tables) {
    const table = stage.tableOf(name);
    if (!table || stage.layout(name) !== layout) dropped.push(name);
    else tables.set(name, { table, used });
  }
  for await (const { name, bytes } of parts) {
    const [kind, , ...rest] = name.split(' ');
    const of = rest.join(' ');
    if (kind === 'table') tables.get(of)?.table.restorePage(bytes);
    else stage.restoreSet(of, new Uint32Array(new Uint8Array(bytes).buffer));
  }
  for (const { table, used } of tables.values()) table.endRestore(used);
  stage.restored();
  return dropped;
}

/**
 * A digest of what stages know, whatever the partitions: rows by table, sorted by key, names in the place of their
 * numbers. Hex of SHA-256 by table.
 */
export function digestOf(stages: readonly (Snapshotable & { textOf(id: number): string })[]): Record<string, string> {
  const lines = new Map<string, string[]>();
  const add = (name: string, line: string): void => {
    const list = lines.get(name) ?? [];
    list.push(line);
    lines.set(name, list);
  };
  for (const stage of stages) {
    for (const [name, table] of stage.tables()) {
      const nameWords = stage.nameWords(name);
      for (const slot of table.sortedSlots()) {
        table.peek(slot);
        const row = table.f64.slice(table.at, table.at + table.words);
        const names = nameWords.map((word) => stage.textOf(row[word]!));
        for (const word of nameWords) row[word] = 0;
        add(name, `${Buffer.from(row.buffer).toString('hex')} ${names.join(' ')}`);
      }
    }
    for (const [name, set] of stage.sets()) {
      const members = set.freeze();
      for (let i = 0; i < members.length; i += 2) add(name, `${members[i + 1]!} ${members[i]!}`);
    }
  }
  return Object.fromEntries(
    [...lines]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, list]) => [name, createHash('sha256').update(list.sort().join('\n')).digest('hex')]),
  );
}
