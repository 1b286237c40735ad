import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goodLine, HOSTILE_RECORDS, hostileLines } from './hostile-records.ts';
import { post, Program, sql, waitFor } from './program.ts';

/** Every kind of bad record through every door of one running instance, and through `analyze`. */

const NEWLINE = Buffer.from('\n');
const MIB = 1024 * 1024;

interface Letter {
  readonly id: number;
  readonly source: string;
  readonly reason: string;
  readonly size_bytes: number;
}

let folder: string;
let program: Program;
let url: string;
let followed: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-hostile-'));
  followed = join(folder, 'sensor.log');
  writeFileSync(followed, '');
  program = new Program(['--data', join(folder, 'data'), 'run', '--port', '0', '--stdin', '--follow', followed]);
  url = await program.url();
});

afterAll(async () => {
  await program.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

async function letters(filter: Record<string, string> = {}): Promise<Letter[]> {
  const query = new URLSearchParams({ limit: '500', ...filter });
  const response = await fetch(`${url}/api/v1/dead-letters?${String(query)}`);
  return ((await response.json()) as { items: Letter[] }).items;
}

function countReasons(items: readonly { readonly reason: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of items) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

async function storedUids(pattern: string): Promise<string[]> {
  const rows = await sql<{ uid: string }>(
    url,
    `SELECT session_uid AS uid FROM vedette.events WHERE session_uid LIKE '${pattern}' ORDER BY uid`,
  );
  return rows.map(({ uid }) => uid);
}

/** Waits until so many rows of a pattern are stored, then a moment longer, for rows that should not be there. */
async function expectStored(pattern: string, uids: readonly string[]): Promise<void> {
  await waitFor(async () => (await storedUids(pattern)).length >= uids.length, `${String(uids.length)} of ${pattern}`);
  expect(await storedUids(pattern)).toEqual([...uids].sort());
}

async function expectAlive(): Promise<void> {
  const status = (await (await fetch(`${url}/api/v1/status`)).json()) as { sink: { offset: number; end: number }[] };
  expect(status).toBeTruthy();
  const { status: code, json } = await post(url, goodLine('alive'));
  expect({ code, json }).toMatchObject({ code: 200, json: { events: 1, dead_letters: 0 } });
}

describe('POST /api/v1/ingest', () => {
  const sent: string[] = [];

  it.each(HOSTILE_RECORDS)('takes the records around $name: $becomes', async ({ name, line, becomes }) => {
    const at = HOSTILE_RECORDS.findIndex((record) => record.name === name);
    const around = [`http-${String(at)}a`, `http-${String(at)}b`];
    const body = Buffer.concat([goodLine(around[0]!), NEWLINE, line, NEWLINE, goodLine(around[1]!), NEWLINE]);
    const { status, json } = await post(url, body);
    expect(status).toBe(200);
    const isEvent = becomes === 'event';
    expect(json).toMatchObject({ events: isEvent ? 3 : 2, dead_letters: isEvent ? 0 : 1 });
    if (!isEvent) expect((await letters({ limit: '1' }))[0]!.reason).toBe(becomes);
    sent.push(...around);
  });

  it('has stored every good record', async () => {
    await expectStored('http-%', sent);
  });

  it('reads an array around a bad element', async () => {
    const bad = HOSTILE_RECORDS.filter(({ name }) =>
      ['an integer where text is due', '1e999 bytes', 'a key that stands twice', 'null', '10,000 levels of arrays'].includes(name),
    ); // prettier-ignore
    const elements = bad.flatMap(({ line }, i) => [goodLine(`array-${String(i)}`).toString(), line.toString('latin1')]);
    elements.push(goodLine('array-last').toString());
    const { json } = await post(url, `[\n${elements.join(' ,\n')}]`, { 'content-type': 'application/json' });
    expect(json).toMatchObject({ events: bad.length + 1, dead_letters: bad.length });
    await expectStored('array-%', [...bad.map((_, i) => `array-${String(i)}`), 'array-last']);
  });

  it('keeps the elements before the place where an array breaks off', async () => {
    const body = `[${goodLine('torn-1').toString()},${goodLine('torn-2').toString().slice(0, 50)}`;
    const { json } = await post(url, body, { 'content-type': 'application/json' });
    expect(json).toMatchObject({ events: 1, dead_letters: 1 });
    expect((await letters({ limit: '1' }))[0]!.reason).toBe('truncated_input');
  });

  it('reads gzip', async () => {
    const { text, goodUids, reasons, odd } = hostileLines('gzip');
    const before = countReasons(await letters());
    const { json } = await post(url, gzipSync(text), { 'content-encoding': 'gzip' });
    const bad = Object.values(reasons).reduce((sum, count) => sum + count, 0);
    expect(json).toMatchObject({ events: goodUids.length + odd, dead_letters: bad });
    const after = countReasons(await letters());
    for (const [reason, count] of Object.entries(reasons)) expect(after[reason]! - before[reason]!, reason).toBe(count);
    await expectStored('gzip-%', goodUids);
  });

  it.each([
    ['gzip that breaks off', gzipSync(Buffer.concat([goodLine('cut'), NEWLINE])).subarray(0, 40), 400],
    ['gzip with a damaged byte', damaged(gzipSync(goodLine('cut'))), 400],
    ['what is no gzip', goodLine('cut'), 400],
    ['a decompression bomb', gzipSync(Buffer.alloc(300 * MIB)), 400],
    ['nothing', Buffer.alloc(0), 400],
  ])('refuses %s with a problem in words', async (name, body, status) => {
    const headers: Record<string, string> = name === 'nothing' ? {} : { 'content-encoding': 'gzip' };
    const reply = await post(url, body, headers);
    expect(reply).toMatchObject({ status, json: { status } });
    expect(reply.type).toContain('application/problem+json');
    expect(String(reply.json['detail']).length).toBeGreaterThan(15);
    expect(await storedUids('cut')).toEqual([]);
  });

  it('refuses more than the limit before it is sent', async () => {
    const request = httpRequest(`${url}/api/v1/ingest`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'content-length': String(17 * MIB) },
    });
    request.on('error', () => undefined).flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect(response.headers['content-type']).toContain('application/problem+json');
    request.destroy();
  });

  it('refuses a format and an encoding that do not exist', async () => {
    const response = await fetch(`${url}/api/v1/ingest?format=nonsense`, { method: 'POST', body: goodLine('cut').toString() });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('zeek-json');
    expect((await post(url, goodLine('cut'), { 'content-encoding': 'br' })).status).toBe(415);
  }); // prettier-ignore

  it('keeps records of a format that nothing knows, line by line', async () => {
    const { json } = await post(url, 'Nov 21 03:00:00 host app: words\nmore words\n', { 'content-type': 'text/plain' });
    expect(json).toMatchObject({ events: 0, dead_letters: 2 });
    expect((await letters({ limit: '2' })).map(({ reason }) => reason)).toEqual(['unknown_format', 'unknown_format']);
  });

  it.each([
    ['a column too few', '2026-11-20T12:00:00Z,pump,flow', 'wrong_columns'],
    ['a column too many', '2026-11-20T12:00:00Z,pump,flow,1,m3,x,y', 'wrong_columns'],
    ['text for a value', '2026-11-20T12:00:00Z,pump,flow,high,m3', 'bad_number'],
    ['an infinite value', '2026-11-20T12:00:00Z,pump,flow,1e999,m3', 'bad_number'],
    ['a time that is none', 'yesterday,pump,flow,1,m3', 'bad_time'],
    ['no device', '2026-11-20T12:00:00Z,,flow,1,m3', 'missing_field'],
    ['a quote that never closes', '2026-11-20T12:00:00Z,"pump,flow,1,m3', undefined],
  ])('reads CSV on behind %s', async (_name, line, reason) => {
    const row = '2026-11-20T12:00:00Z,pump,flow,1.5,m3';
    const { json } = await post(url, `time,device,metric,value,unit\r\n${row}\r\n${line}\n${row}\n`, {
      'content-type': 'text/csv',
    });
    expect(json).toMatchObject({ events: 2, dead_letters: 1 });
    if (reason !== undefined) expect((await letters({ limit: '1' }))[0]!.reason).toBe(reason);
  });

  it('reads Zeek TSV on behind lines with wrong columns', async () => {
    const header =
      '#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n';
    const line = (uid: string): string => `1795521600.1\t${uid}\t10.0.0.5\t1\t198.51.100.7\t443\ttcp\n`;
    const body = `${header}${line('tsv-1')}1795521600.1\tshort\n${'x\t'.repeat(5000)}\n${line('tsv-2')}#close\n`;
    const { json } = await post(url, body, { 'content-type': 'text/plain' });
    expect(json).toMatchObject({ events: 2, dead_letters: 2 });
    await expectStored('tsv-%', ['tsv-1', 'tsv-2']);
    // A request is a text of its own: the header of the one before is not its header.
    const later = await post(url, line('tsv-3'), { 'content-type': 'text/plain' });
    expect(later.json).toMatchObject({ events: 0, dead_letters: 1 });
  });

  it('finds its format behind a damaged beginning, however long', async () => {
    const lines = [Buffer.alloc(200_000, '{'), ...HOSTILE_RECORDS.slice(0, 30).map(({ line }) => line)];
    const body = Buffer.concat([...lines.flatMap((line) => [line, NEWLINE]), goodLine('behind-1')]);
    const { json } = await post(url, body);
    expect(json).toMatchObject({ dead_letters: 27, events: 5 });
    await expectStored('behind-%', ['behind-1']);
  });

  it('goes on', expectAlive);
});

describe('a followed file', () => {
  it('gives every good record and a dead letter for each bad one', async () => {
    const { text, goodUids, reasons } = hostileLines('file');
    // In pieces, so that lines straddle what is read.
    for (let start = 0; start < text.length; start += 300_001)
      appendFileSync(followed, text.subarray(start, start + 300_001));
    await expectStored('file-%', goodUids);
    const own = (await letters()).filter(({ source }) => source.startsWith(followed));
    expect(countReasons(own)).toEqual(reasons);
  });

  it('goes on', async () => {
    appendFileSync(followed, Buffer.concat([goodLine('file2-1'), NEWLINE]));
    await expectStored('file2-%', ['file2-1']);
    await expectAlive();
  });
});

describe('standard input', () => {
  it('gives every good record and a dead letter for each bad one', async () => {
    const { text, goodUids, reasons } = hostileLines('stdin');
    program.process.stdin!.end(text);
    await expectStored('stdin-%', goodUids);
    await waitFor(() => program.errors.includes('Standard input has ended'), 'the end of standard input');
    const own = (await letters()).filter(({ source }) => source.startsWith('stdin#'));
    expect(countReasons(own)).toEqual(reasons);
    await expectAlive();
  });
});

describe('vedette analyze', () => {
  it('tells what became of every line, of gzip that breaks off too, and ends well', async () => {
    const logs = join(folder, 'logs');
    const { text, goodUids, reasons, odd } = hostileLines('analyze');
    mkdirSync(logs);
    writeFileSync(join(logs, 'a.log'), text);
    const noise = Buffer.from(Array.from({ length: 400 }, (_, i) => `${goodLine(`gz-${String(i)}-${String(Math.random())}`).toString()}\n`).join('')); // prettier-ignore
    writeFileSync(join(logs, 'torn.log.gz'), gzipSync(noise).subarray(0, -200));
    writeFileSync(join(logs, 'bare.log.gz'), gzipSync(noise).subarray(0, 12));
    writeFileSync(join(logs, 'bomb.log.gz'), gzipSync(Buffer.alloc(40 * MIB, '\n')));
    writeFileSync(join(logs, 'capture.pcap'), Buffer.from([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]));
    writeFileSync(join(logs, 'empty.log'), '');
    const data = join(folder, 'analysed');
    const { code, errors } = await Program.run(['--data', data, 'analyze', logs, '-o', 'ndjson']);
    expect(code, errors).toBe(0);
    const said = new Map(
      [...errors.matchAll(/^(events|dead letters) +(.*)$/gm)].map((match) => [match[1]!, match[2]!]),
    );
    const letters = Object.fromEntries(
      said
        .get('dead letters')!
        .split(', ')
        .map((entry) => [entry.split(' ')[0]!, Number(entry.split(' ')[1])]),
    );
    // What two gzip files lack, and the record in which one breaks off.
    const { truncated_input: truncated, decompression_limit: bombs, ...rest } = letters;
    expect(truncated).toBe(2);
    expect(bombs).toBe(1);
    expect(rest['not_json']! - reasons['not_json']!).toBeLessThanOrEqual(1);
    expect({ ...rest, not_json: reasons['not_json'] }).toEqual(reasons);
    const fromGzip = Number(said.get('events')!.split(' ')[0]!.replaceAll(',', '')) - goodUids.length - odd;
    expect(fromGzip).toBeGreaterThan(200);
    expect(errors).toContain('capture.pcap: pcap');
    expect(errors).toContain('empty.log: empty');
  });

  it.each([
    ['a path that does not exist', ['/nowhere/at/all'], 'missing'],
    ['a format that does not exist', ['--format', 'nonsense'], 'zeek-json'],
  ])('says what is wrong with %s', async (_name, args, words) => {
    const { code, errors } = await Program.run(['analyze', ...args, ...(args.length === 1 ? [] : [followed])]);
    expect(code).toBe(2);
    expect(errors).toContain(words);
    expect(errors).not.toContain('    at ');
  });
});

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 6]! ^= 0xff;
  return copy;
}
