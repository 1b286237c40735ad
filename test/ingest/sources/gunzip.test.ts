import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ByteSource } from '../../../ingest/sources/chunk.ts';
import { Gunzip, type DecompressionLimits } from '../../../ingest/sources/gunzip.ts';
import { StreamSource } from '../../../ingest/sources/stream-source.ts';

async function decompress(
  input: Uint8Array,
  limits?: Partial<DecompressionLimits>,
): Promise<{ bytes: Buffer; problem: string | undefined }> {
  const gunzip = new Gunzip(limits);
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < input.length; start += 1000) {
    for await (const chunk of gunzip.push(input.subarray(start, start + 1000))) chunks.push(chunk);
  }
  for await (const chunk of gunzip.finish()) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), problem: gunzip.problem };
}

async function readAll(source: ByteSource): Promise<{ text: string; problem: string | undefined; last: number }> {
  let text = '';
  let problem: string | undefined;
  let last = 0;
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    expect(chunk.position).toBe(text.length);
    text += Buffer.from(chunk.bytes).toString('latin1');
    problem = chunk.problem;
    if (chunk.last) last++;
  }
  return { text, problem, last };
}

const TEXT = Array.from({ length: 20_000 }, (_, line) => `line ${line} ${(line * 7919) % 10007}`).join('\n');

describe('Gunzip', () => {
  it('decompresses members one after another', async () => {
    const { bytes, problem } = await decompress(Buffer.concat([gzipSync(TEXT), gzipSync('tail')]));
    expect(bytes.toString()).toBe(`${TEXT}tail`);
    expect(problem).toBeUndefined();
  });

  it('gives what could be read of a truncated input, and says so', async () => {
    const packed = gzipSync(TEXT);
    const { bytes, problem } = await decompress(packed.subarray(0, packed.length - 2000));
    expect(problem).toBe('truncated_input');
    expect(bytes.length).toBeGreaterThan(TEXT.length / 2);
    expect(TEXT.startsWith(bytes.toString())).toBe(true);
  });

  it('gives what came before corruption', async () => {
    const packed = gzipSync(randomBytes(100_000));
    packed.fill(0xff, 60_000, 60_400);
    const { problem } = await decompress(packed);
    expect(problem).toBe('truncated_input');
    expect((await decompress(Buffer.from('\x1f\x8bnonsense', 'latin1'))).problem).toBe('truncated_input');
  });

  it('stops a bomb at 100 to 1 beyond 16 MiB, and at a size in all', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    const { bytes, problem } = await decompress(bomb);
    expect(problem).toBe('decompression_limit');
    expect(bytes.length).toBe(16 << 20);
    expect(await decompress(bomb, { maxBytes: 1000 })).toMatchObject({
      problem: 'decompression_limit',
      bytes: { length: 1000 },
    });
  });
});

describe('StreamSource', () => {
  it.each([
    ['plain', Buffer.from(TEXT)],
    ['gzip', gzipSync(TEXT)],
  ])('reads a %s stream in order, from pieces of a byte too', async (_, bytes) => {
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 2), bytes.subarray(2)];
    const source = new StreamSource(Readable.from(pieces), { path: 'stdin', incarnation: 'stdin#1' });
    expect(await readAll(source)).toEqual({ text: TEXT, problem: undefined, last: 1 });
  });

  it('ends when closed, while it waits', async () => {
    const source = new StreamSource(new Readable({ read: () => undefined }), { path: 'stdin', incarnation: 'stdin#1' });
    const next = source.next();
    await source.close();
    expect((await next)?.last ?? true).toBe(true);
  });
});
