import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectFiles } from '../../../ingest/sources/collect-files.ts';
import { FileSetSource, FILE_STRIDE } from '../../../ingest/sources/file-set-source.ts';
import { groupFiles } from '../../../ingest/sources/file-set.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-set-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('groupFiles', () => {
  it.each([
    [
      'numbers, highest first',
      ['conn.log', 'conn.log.10.gz', 'conn.log.2.gz', 'conn.log.1'],
      ['conn.log.10.gz', 'conn.log.2.gz', 'conn.log.1', 'conn.log'],
    ],
    [
      'hours of a Zeek archive',
      ['conn.16:00:00-17:00:00.log.gz', 'conn.15:00:00-16:00:00.log.gz'],
      ['conn.15:00:00-16:00:00.log.gz', 'conn.16:00:00-17:00:00.log.gz'],
    ],
    [
      'days',
      ['conn-20260102.log', 'conn.log', 'conn-20260101.log'],
      ['conn-20260101.log', 'conn-20260102.log', 'conn.log'],
    ],
    [
      'days behind the ending',
      ['eve.json', 'eve.json-20260102.gz', 'eve.json-20260101.gz'],
      ['eve.json-20260101.gz', 'eve.json-20260102.gz', 'eve.json'],
    ],
    [
      'date and hour',
      ['conn.2018-01-30-10.log', 'conn.2018-01-30-09.log', 'conn.2018-01-30-09-30-00.log'],
      ['conn.2018-01-30-09.log', 'conn.2018-01-30-09-30-00.log', 'conn.2018-01-30-10.log'],
    ],
    ['labelled logs', ['conn.log.labeled', 'conn.log.1.labeled'], ['conn.log.1.labeled', 'conn.log.labeled']],
    ['dates as names', ['2026-01-02.csv', '2026-01-01.csv'], ['2026-01-01.csv', '2026-01-02.csv']],
  ])('makes one set of files rotated by %s, oldest first', (_, names, ordered) => {
    const sets = groupFiles(names.map((name) => join('/logs', name)));
    expect(sets.map((set) => set.paths)).toEqual([ordered.map((name) => join('/logs', name))]);
  });

  it('keeps apart what is not a rotation', () => {
    const paths = [
      'a/conn.log',
      'b/conn.log',
      'a/dns.log',
      'a/0.csv',
      'a/10.csv',
      'a/speed_6005.csv',
      'a/speed_7578.csv',
      'a/dataset03.csv',
      'a/wrccdc-2017.alerts.json',
      'a/wrccdc-2018.alerts.json',
      'a/ec2_network_in_257a54.csv',
    ];
    expect(groupFiles(paths)).toHaveLength(paths.length);
  });

  it('names a set the same before and after a rotation, and reads a file once that is there compressed too', () => {
    expect(groupFiles(['l/conn.log'])[0]).toMatchObject({ name: 'l/conn.log', stem: 'conn', directory: 'l' });
    expect(groupFiles(['l/conn.log.1', 'l/conn.log.1.gz'])).toMatchObject([
      { name: 'l/conn.log', paths: ['l/conn.log.1'] },
    ]);
  });
});

describe('FileSetSource', () => {
  it('reads a set as one source whose positions rise', async () => {
    writeFileSync(join(folder, 'conn.log.2.gz'), gzipSync('one\ntwo\n'));
    writeFileSync(join(folder, 'conn.log.1'), 'three');
    writeFileSync(join(folder, 'conn.log'), '');
    const { paths } = await collectFiles([folder]);
    const source = new FileSetSource(groupFiles([...paths, join(folder, 'conn.log')])[0]!);
    const seen: [number, string, boolean][] = [];
    const incarnations = new Set<string>();
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      seen.push([chunk.position, Buffer.from(chunk.bytes).toString(), chunk.last]);
      incarnations.add(chunk.incarnation);
    }
    expect(seen).toEqual([
      [0, 'one\ntwo\n', false],
      [8, '', true],
      [FILE_STRIDE, 'three', false],
      [FILE_STRIDE + 5, '', true],
      [2 * FILE_STRIDE, '', true],
    ]);
    expect([...incarnations]).toEqual([expect.stringMatching(/conn\.log#\d+\.[0-9a-f]{16}\.0$/)]);
  });

  it('says that a compressed file breaks off, and goes on with the next', async () => {
    writeFileSync(join(folder, 'a.log.1.gz'), gzipSync('x\n'.repeat(10_000)).subarray(0, -8));
    writeFileSync(join(folder, 'a.log'), 'y\n');
    const source = new FileSetSource(groupFiles((await collectFiles([folder])).paths)[0]!);
    const problems: (string | undefined)[] = [];
    let text = '';
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      text += Buffer.from(chunk.bytes).toString();
      if (chunk.last) problems.push(chunk.problem);
    }
    expect(problems).toEqual(['truncated_input', undefined]);
    expect(text.endsWith('x\ny\n')).toBe(true);
  });
});

describe('collectFiles', () => {
  it('goes through folders, and names what it passes over', async () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', 'a.log'), 'text');
    writeFileSync(join(folder, 'b.pcap'), Buffer.from([0xd4, 0xc3, 0xb2, 0xa1, 2, 0]));
    writeFileSync(join(folder, 'c.bin'), Buffer.alloc(100));
    writeFileSync(join(folder, 'd.log'), '');
    writeFileSync(join(folder, '.hidden'), 'text');
    const { paths, skipped } = await collectFiles([folder, join(folder, 'sub', 'a.log'), join(folder, 'nowhere')]);
    expect(paths).toEqual([join(folder, 'sub', 'a.log')]);
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path.slice(folder.length + 1), reason]))).toEqual({
      'b.pcap': 'pcap',
      'c.bin': 'binary',
      'd.log': 'empty',
      '.hidden': 'hidden',
      nowhere: 'missing',
    });
  });
});
