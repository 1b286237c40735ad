import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberAt } from '../../cassandra/row.ts';
import { openCassandraCheckpoints, type CassandraCheckpointOptions } from '../../featurestore/cassandra/index.ts';
import type { CheckpointStore } from '../../featurestore/checkpoint-store.ts';
import { createTestKeyspace, hasCassandra, type TestKeyspace } from '../cassandra/test-keyspace.ts';
import { describeCheckpointStore } from './checkpoint-store.contract.ts';

let keyspace: TestKeyspace;

/** Chunks that are stored for a key, as epoch/sequence/number. */
async function chunksOf(key: string): Promise<string[]> {
  const { session } = keyspace;
  const found: string[] = [];
  const query = `SELECT key, epoch, sequence, number FROM ${session.keyspace}.checkpoint_chunks`;
  for await (const row of session.rows(query, []))
    if (row['key'] === key)
      found.push(['epoch', 'sequence', 'number'].map((column) => numberAt(row, column)).join('/'));
  return found.sort();
}

/** Spoils one byte of every chunk that was written under an epoch and sequence; with `delete` they are gone. */
async function spoil(key: string, write: string, how: 'flip' | 'delete'): Promise<void> {
  const { session } = keyspace;
  const table = `${session.keyspace}.checkpoint_chunks`;
  const at = 'key = ? AND epoch = ? AND sequence = ? AND number = ?';
  for (const chunk of await chunksOf(key)) {
    if (!chunk.startsWith(`${write}/`)) continue;
    const [epoch, sequence, number] = chunk.split('/').map(Number);
    const place = [key, BigInt(epoch!), BigInt(sequence!), number];
    if (how === 'delete') {
      await session.write(`DELETE FROM ${table} WHERE ${at}`, place);
      continue;
    }
    const data = Buffer.from((await session.one(`SELECT data FROM ${table} WHERE ${at}`, place))!['data'] as Buffer);
    data[data.length >> 1]! ^= 1;
    await session.write(`UPDATE ${table} SET data = ? WHERE ${at}`, [data, ...place]);
  }
}

async function newestOf(key: string): Promise<{ newest: string; previous: string | undefined }> {
  const query = `SELECT newest, previous FROM ${keyspace.session.keyspace}.checkpoint_manifests WHERE key = ?`;
  const row = await keyspace.session.serialOne({ query, parameters: [key] });
  const nameOf = (text: unknown): string | undefined => {
    if (typeof text !== 'string') return undefined;
    const { epoch, sequence } = JSON.parse(text);
    return `${epoch}/${sequence}`;
  };
  return { newest: nameOf(row!['newest'])!, previous: nameOf(row!['previous']) };
}

async function writePages(store: CheckpointStore, key: string, pages: readonly string[]): Promise<number> {
  const writer = await store.begin(key);
  for (const [page, fill] of pages.entries()) await writer.write(`table ${page} hosts`, noise(fill));
  return (await writer.commit({ pages })).sizeBytes;
}

/** 64 KiB that don't compress, the same for the same name. */
function noise(name: string): Buffer {
  const bytes = Buffer.allocUnsafe(65_536);
  let state = 1;
  for (const letter of name) state = Math.imul(state ^ letter.charCodeAt(0), 0x9e3779b1) | 1;
  for (let i = 0; i < bytes.length; i += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, i);
  }
  return bytes;
}

describe.skipIf(!hasCassandra)('checkpoints in Cassandra', () => {
  let cases = 0;
  const newKey = (): string => `stage1-${++cases}`;
  const open = (options: CassandraCheckpointOptions = {}) => openCassandraCheckpoints(keyspace.session, options);

  beforeAll(async () => {
    keyspace = await createTestKeyspace();
  });
  afterAll(() => keyspace.drop());

  // Keys are made anew for each case, in the place of the keyspace.
  describeCheckpointStore('Cassandra', async () => {
    const prefix = `${newKey()}-`;
    return {
      open: async (onWarning) => {
        const store = open(onWarning ? { onWarning } : {});
        return { begin: (key) => store.begin(prefix + key), load: (key) => store.load(prefix + key) };
      },
      damageNewest: async (key) => spoil(prefix + key, (await newestOf(prefix + key)).newest, 'flip'),
      damageAll: async (key) => {
        const { newest, previous } = await newestOf(prefix + key);
        for (const write of [newest, previous!]) await spoil(prefix + key, write, 'delete');
      },
      remove: () => Promise.resolve(),
    };
  });

  it('falls back wherever one chunk of the newest is missing or has one wrong bit', async () => {
    for (const how of ['flip', 'delete'] as const) {
      const key = newKey();
      const writer = open();
      await writePages(
        writer,
        key,
        Array.from({ length: 40 }, (_, i) => `a${i}`),
      );
      await writePages(
        writer,
        key,
        Array.from({ length: 40 }, (_, i) => `b${i}`),
      );
      const { newest } = await newestOf(key);
      const [epoch, sequence] = newest.split('/').map(Number);
      const place = [key, BigInt(epoch!), BigInt(sequence!), 1];
      const table = `${keyspace.session.keyspace}.checkpoint_chunks`;
      if (how === 'delete') {
        await keyspace.session.write(
          `DELETE FROM ${table} WHERE key = ? AND epoch = ? AND sequence = ? AND number = ?`,
          place,
        );
      } else {
        await keyspace.session.write(
          `UPDATE ${table} SET data = ? WHERE key = ? AND epoch = ? AND sequence = ? AND number = ?`,
          [Buffer.from('wrong'), ...place],
        );
      }
      const warnings: string[] = [];
      const found = await open({ onWarning: (message) => void warnings.push(message) }).load(key);
      expect((found!.meta as { pages: string[] }).pages[0]).toBe('a0');
      expect(warnings).toEqual([expect.stringMatching(how === 'flip' ? /1 is damaged/ : /1 is missing/)]);
    }
  });

  it('lets exactly one of two holders that race go on', async () => {
    const key = newKey();
    const stores = [open(), open(), open()];
    await Promise.all(stores.map((store) => store.load(key)));
    const writers = await Promise.all(stores.map((store) => store.begin(key)));
    await Promise.all(writers.map((writer, i) => writer.write('table 0 hosts', noise(String(i)))));
    const commits = await Promise.allSettled(writers.map((writer, i) => writer.commit({ i })));
    expect(commits.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const commit of commits)
      if (commit.status === 'rejected') expect(commit.reason).toMatchObject({ code: 'LOCKED' });
    const winner = commits.findIndex(({ status }) => status === 'fulfilled');
    expect((await open().load(key))!.meta).toEqual({ i: winner });
  });

  it('refuses a zombie, leaves what it lists alone, and removes what it wrote', async () => {
    const key = newKey();
    const zombie = open();
    await writePages(zombie, key, ['a', 'b']);
    const writer = await zombie.begin(key);
    await writer.write('table 0 hosts', noise('zombie'));
    const heir = open();
    expect((await heir.load(key))!.meta).toEqual({ pages: ['a', 'b'] });
    await writePages(heir, key, ['a', 'c']);
    await writer.write('table 1 hosts', noise('zombie too'));
    await expect(writer.commit({ pages: [] })).rejects.toMatchObject({ code: 'LOCKED' });
    await writer.abort();
    await expect(writePages(zombie, key, ['z'])).rejects.toMatchObject({ code: 'LOCKED' });
    expect((await open().load(key))!.meta).toEqual({ pages: ['a', 'c'] });
  });

  it('writes only what has changed, also after another holder has loaded it', async () => {
    const key = newKey();
    const stats: { writtenBytes: number; listedBytes: number }[] = [];
    const onCommit = (_key: string, of: (typeof stats)[number]) => void stats.push(of);
    const pages = Array.from({ length: 100 }, (_, i) => `p${i}`);
    const first = open({ onCommit });
    await writePages(first, key, pages);
    expect(stats[0]!.writtenBytes).toBe(stats[0]!.listedBytes);
    await writePages(first, key, pages);
    expect(stats[1]!.writtenBytes).toBe(0);
    const heir = open({ onCommit });
    await heir.load(key);
    await writePages(heir, key, pages.with(7, 'new'));
    expect(stats[2]!.writtenBytes).toBeGreaterThan(60_000);
    expect(stats[2]!.writtenBytes).toBeLessThan(70_000);
  });

  it('keeps no more than twice of what is needed, whatever pages change, and no chunk that nobody lists', async () => {
    const key = newKey();
    const store = open();
    let pages = Array.from({ length: 60 }, (_, i) => `p${i}`);
    let sizeBytes = 0;
    for (let round = 1; round <= 30; round++) {
      pages = pages.map((page, i) => ((i * 7 + round) % 5 === 0 ? `p${i}/${round}` : page));
      sizeBytes = await writePages(store, key, pages);
    }
    expect(sizeBytes).toBeLessThan(60 * 65_536 * 2.1);
    // This one and the one before, with manifests: nothing else. Clearing up goes on behind.
    await expect.poll(async () => (await chunksOf(key)).length, { timeout: 10_000 }).toBeLessThanOrEqual(24);
    const found = await open().load(key);
    let page = 0;
    for await (const { bytes } of found!.parts) expect(Buffer.compare(bytes, noise(pages[page++]!))).toBe(0);
    expect(page).toBe(60);
  });

  it('finds and removes what was written before a process died, and what one dropped without clearing up', async () => {
    const key = newKey();
    const table = `${keyspace.session.keyspace}.checkpoint_writes`;
    const first = open();
    await writePages(first, key, ['a']);
    const dead = await first.begin(key);
    for (let i = 0; i < 50; i++) await dead.write(`table ${i} hosts`, noise(`dead${i}`));
    await expect.poll(async () => (await chunksOf(key)).length).toBeGreaterThan(3);
    // As if it had begun hours ago.
    await keyspace.session.write(`UPDATE ${table} SET begun_ms = ? WHERE key = ? AND epoch = 1 AND sequence = 2`, [
      1n,
      key,
    ]);
    const heir = open();
    await heir.load(key);
    for (const pages of [['b'], ['c'], ['d']]) await writePages(heir, key, pages);
    const { newest, previous } = await newestOf(key);
    await expect
      .poll(async () => new Set((await chunksOf(key)).map((chunk) => chunk.split('/', 2).join('/'))), {
        timeout: 10_000,
      })
      .toEqual(new Set([newest, previous]));
    const rows: string[] = [];
    for await (const row of keyspace.session.rows(`SELECT epoch, sequence FROM ${table} WHERE key = ?`, [key]))
      rows.push(['epoch', 'sequence'].map((column) => numberAt(row, column)).join('/'));
    expect(new Set(rows)).toEqual(new Set([newest, previous]));
  });
});
