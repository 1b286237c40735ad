import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileFollowerOptions } from '../../../ingest/sources/file-follower.ts';
import { FollowCollector, pause } from './follow-collector.ts';

let folder: string;
let log: string;
let open: FollowCollector[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-follow-'));
  log = join(folder, 'conn.log');
  open = [];
});
afterEach(async () => {
  for (const follower of open) await follower.close();
  rmSync(folder, { recursive: true });
});

function follow(options: Partial<FileFollowerOptions> = {}): FollowCollector {
  const follower = new FollowCollector({ paths: [folder], ...options });
  open.push(follower);
  return follower;
}

/** Lines `from` to `to`, as a log writes them. */
function lines(from: number, to: number): string {
  return numbers(from, to)
    .map((text) => `${text}\n`)
    .join('');
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index} of the log`);
}

/** gzip replaces a file by its compressed form. */
function compress(path: string): void {
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
  unlinkSync(path);
}

describe('FileFollower', () => {
  it('waits for the newline of the last line', async () => {
    writeFileSync(log, 'a\nb');
    const follower = follow();
    expect(await follower.until(1)).toEqual(['a']);
    appendFileSync(log, 'c\r\nd\n');
    expect(await follower.until(3)).toEqual(['a', 'bc', 'd']);
    expect(follower.lines.map((line) => line.position)).toEqual([0, 2, 6]);
    expect(follower.incarnations).toEqual([expect.stringMatching(/conn\.log#\d+\.[0-9a-f]{16}\.0$/)]);
  });

  it('waits for a file that does not exist yet, and is woken by change events', async () => {
    const follower = follow({ paths: [log], changeEvents: 'use', pollMs: 60_000 });
    await pause(50);
    writeFileSync(log, lines(1, 3));
    expect(await follower.until(3)).toEqual(numbers(1, 3));
    appendFileSync(log, lines(4, 5));
    expect(await follower.until(5)).toEqual(numbers(1, 5));
  });

  it('finishes a renamed file before the new one, also what is written to it after the rename', async () => {
    writeFileSync(log, lines(1, 100));
    const follower = follow();
    await follower.until(100);
    appendFileSync(log, lines(101, 110));
    renameSync(log, `${log}.1`);
    writeFileSync(log, lines(116, 120));
    appendFileSync(`${log}.1`, lines(111, 115));
    expect(await follower.until(120)).toEqual(numbers(1, 120));
    expect(follower.incarnations).toHaveLength(2);
  });

  it('ends the unfinished last line of a renamed file', async () => {
    writeFileSync(log, 'one\ntwo');
    const follower = follow();
    await follower.until(1);
    renameSync(log, `${log}.1`);
    writeFileSync(log, 'three\n');
    expect(await follower.until(3)).toEqual(['one', 'two', 'three']);
  });

  it('reads two rotations that happen between two looks', async () => {
    writeFileSync(log, lines(1, 50));
    const follower = follow({ paths: [log] });
    await follower.until(50);
    appendFileSync(log, lines(51, 60));
    renameSync(log, `${log}.2`);
    writeFileSync(`${log}.1`, lines(61, 70));
    writeFileSync(log, lines(71, 80));
    expect(await follower.until(80)).toEqual(numbers(1, 80));
  });

  it('reads a deleted file that it has open to its end', async () => {
    writeFileSync(log, lines(1, 30_000));
    const follower = follow();
    await follower.until(1);
    unlinkSync(log);
    expect(await follower.until(30_000)).toEqual(numbers(1, 30_000));
  });

  it('reads what was left of a file cut back from its copy, and then the new content as another incarnation', async () => {
    writeFileSync(log, lines(1, 100));
    const follower = follow({ paths: [log] });
    await follower.until(100);
    appendFileSync(log, lines(101, 140));
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
    appendFileSync(log, lines(141, 150));
    expect(await follower.until(150)).toEqual(numbers(1, 150));
    expect(follower.incarnations).toHaveLength(2);
    expect(follower.incarnations[1]).toMatch(/\.1$/);
  });

  it('notices a file cut back that has grown past the reading position since', async () => {
    writeFileSync(log, lines(1, 100));
    const follower = follow();
    await follower.until(100);
    writeFileSync(log, lines(1001, 1300));
    expect(await follower.until(400)).toEqual([...numbers(1, 100), ...numbers(1001, 1300)]);
  });

  it('notices that a file was cut back while it was not running', async () => {
    writeFileSync(log, lines(1, 100));
    const first = follow();
    await first.until(100);
    await first.close();
    writeFileSync(log, lines(1001, 1200));
    const second = follow({ state: first.stored! });
    expect(await second.until(200)).toEqual(numbers(1001, 1200));
    expect(second.incarnations[0]).toMatch(/\.1$/);
  });

  it('goes on in mid-file after a restart, at the start of the unfinished line', async () => {
    writeFileSync(log, `${lines(1, 100)}line 101`);
    const first = follow();
    await first.until(100);
    await first.close();
    appendFileSync(log, ` of the log\n${lines(102, 110)}`);
    const second = follow({ state: first.stored! });
    expect(await second.until(10)).toEqual(numbers(101, 110));
    expect(second.incarnations).toEqual(first.incarnations);
    expect(second.lines[0]?.position).toBe(lines(1, 100).length);
  });

  it('finds its place after a restart in a file that was rotated, and compressed, meanwhile', async () => {
    writeFileSync(log, lines(1, 100));
    const first = follow({ paths: [log] });
    await first.until(100);
    await first.close();
    appendFileSync(log, lines(101, 150));
    renameSync(log, `${log}.2`);
    compress(`${log}.2`);
    writeFileSync(`${log}.1`, lines(151, 160));
    writeFileSync(log, lines(161, 170));
    const second = follow({ paths: [log], state: first.stored! });
    expect(await second.until(70)).toEqual(numbers(101, 170));
    expect(second.incarnations[0]).toBe(first.incarnations[0]);
  });

  it('does not read a file again when it is compressed, nor after a restart', async () => {
    writeFileSync(log, lines(1, 100));
    const first = follow();
    await first.until(100);
    renameSync(log, `${log}.1`);
    writeFileSync(log, lines(101, 110));
    await first.until(110);
    compress(`${log}.1`);
    await pause(80);
    appendFileSync(log, lines(111, 115));
    expect(await first.until(115)).toEqual(numbers(1, 115));
    await first.close();
    const second = follow({ state: first.stored! });
    appendFileSync(log, lines(116, 116));
    expect(await second.until(1)).toEqual(numbers(116, 116));
  });

  it('reads a folder with its history, oldest first, and of a named file only the file', async () => {
    writeFileSync(`${log}.2.gz`, gzipSync(lines(1, 10)));
    writeFileSync(`${log}.1`, lines(11, 20));
    writeFileSync(log, lines(21, 30));
    expect(await follow().until(30)).toEqual(numbers(1, 30));
    const named = follow({ paths: [log] });
    expect(await named.until(10)).toEqual(numbers(21, 30));
    renameSync(`${log}.1`, `${log}.3`);
    compress(`${log}.3`);
    appendFileSync(log, lines(31, 31));
    expect(await named.until(11)).toEqual(numbers(21, 31));
  });

  it('says that a compressed file breaks off, after what could be read', async () => {
    writeFileSync(`${log}.1.gz`, gzipSync(lines(1, 5000)).subarray(0, -8));
    const follower = follow();
    await follower.until(5000);
    expect(follower.problems).toEqual(['truncated_input']);
  });

  it('tells of files that it cannot read, once', async () => {
    const told: string[] = [];
    writeFileSync(join(folder, 'a.pcap'), Buffer.from([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]));
    writeFileSync(log, lines(1, 1));
    await follow({ onUnsupported: (path, kind) => told.push(`${path.slice(folder.length + 1)}: ${kind}`) }).until(1);
    expect(told).toEqual(['a.pcap: pcap']);
  });

  it('loses and doubles nothing while a writer rotates in every way and the reader restarts', async () => {
    let written = 0;
    let rotations = 0;
    const write = (count: number): void => {
      appendFileSync(log, lines(written + 1, written + count));
      written += count;
    };
    const shift = (): void => {
      rotations++;
      for (let number = rotations; number >= 1; number--) {
        for (const ending of ['', '.gz']) {
          try {
            renameSync(`${log}.${number}${ending}`, `${log}.${number + 1}${ending}`);
          } catch {
            continue;
          }
        }
      }
    };
    write(10);
    let reader = follow();
    const read: string[] = [];
    for (let step = 0; step < 40; step++) {
      write(1 + ((step * 37) % 200));
      if (step % 4 === 1) {
        shift();
        renameSync(log, `${log}.1`);
        write(3);
      } else if (step % 4 === 3) {
        shift();
        copyFileSync(log, `${log}.1`);
        truncateSync(log);
        write(3);
      }
      if (step % 6 === 5) compress(`${log}.1`);
      await pause((step * 13) % 40);
      if (step % 7 === 6) {
        await reader.close();
        read.push(...reader.texts);
        reader = follow(reader.stored === undefined ? {} : { state: reader.stored });
      }
    }
    await reader.until(written - read.length);
    read.push(...reader.texts);
    expect(read).toEqual(numbers(1, written));
  }, 20_000);
});
