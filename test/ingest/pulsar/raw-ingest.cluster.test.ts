import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RawLog } from '../../../ingest/raw-log.ts';
import { READINGS, distinct, numbered, openRawSite, range } from '../raw-ingest-harness.ts';
import { pulsarAddress, pulsarNamespace } from './pulsar-fixture.ts';

const address = pulsarAddress('raw ingest from Pulsar');

describe.skipIf(!address)('raw ingest from Pulsar', () => {
  let namespace: ReturnType<typeof pulsarNamespace>;
  let site: Awaited<ReturnType<typeof openRawSite>>;
  let log: RawLog;
  let opened: RawLog[];

  async function connect(): Promise<RawLog> {
    const raw = namespace.connect();
    opened.push(raw);
    await raw.open(READINGS);
    return raw;
  }

  beforeEach(async () => {
    opened = [];
    namespace = pulsarNamespace(address!);
    site = await openRawSite();
    log = await connect();
  });

  afterEach(async () => {
    await site.close();
    await Promise.all(opened.map((raw) => raw.close()));
    await namespace.remove();
  });

  function publish(payload: Uint8Array, properties: Record<string, string> = {}, partition = 0) {
    return log.publish(READINGS.name, partition, { payload, properties });
  }

  /** Values in the log without duplicates, in order. */
  async function values(): Promise<number[]> {
    return distinct(await site.rows()).map(({ value }) => value);
  }

  it('reads plain lines without any property, in order, by the message they came in', async () => {
    for (let i = 0; i < 10; i++) await publish(numbered(i * 100, 100));
    site.ingest(await connect());
    await site.until(1000);
    expect(await values()).toEqual(range(0, 1000));
    const rows = await site.rows();
    const sources = new Set(rows.map(({ source }) => source));
    expect([...sources].every((id) => /^pulsar\/raw-readings-0\/readings-ndjson#[-0-9a-f]+\.\d+$/.test(id))).toBe(true);
    expect(rows[100]!.position).toBe(2 ** 24);
    const controls = await site.controls();
    expect(controls.some(({ kind, source }) => kind === 'tick' && /readings-ndjson#[-0-9a-f]+$/.test(source))).toBe(
      true,
    );
  });

  it('reads each message by its own format, header and compression', async () => {
    await publish(Buffer.from('2026-01-01T00:00:01Z,d,m,1\n2026-01-01T00:00:02Z,d,m,2\n'), {
      header: 'time,device,metric,value',
    });
    await publish(gzipSync(numbered(3, 2)), { compression: 'gzip', format: 'readings-ndjson' });
    await publish(Buffer.from('2026-01-01T00:00:05Z;5\n'), {
      format: 'nab-like',
      path: 'x.csv',
      header: 'timestamp;value',
    });
    await publish(
      Buffer.from(
        '[\n{"time":1767225606,"device":"d","metric":"m","value":6},\n{"time":1767225607,"device":"d","metric":"m","value":7}]',
      ),
      {
        layout: 'array',
      },
    );
    site.ingest(await connect(), {
      mappings: [
        { name: 'nab-like', match: '**/never', delimiter: ';', time: 'timestamp', timeFormat: 'iso', device: '{stem}', values: ['value'], ignore: [], units: {} }, // prettier-ignore
      ],
    });
    await site.until(7);
    expect(await values()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await site.letters()).toEqual([]);
  });

  it('drops what was published twice under one idempotency key, or with one (source, position)', async () => {
    for (let i = 0; i < 2; i++) {
      await publish(numbered(0, 10), { 'idempotency-key': 'delivery-1' });
      await publish(numbered(10, 10), { source: '/var/log/a.log#77.abc.0', position: '0' });
      await publish(numbered(20, 10), { source: '/var/log/a.log#77.abc.0', position: '5000' });
    }
    await publish(numbered(30, 1));
    site.ingest(await connect());
    await site.until(31);
    expect(await site.rows()).toHaveLength(61);
    expect(await values()).toEqual(range(0, 31));
  });

  it('puts what cannot be read into dead letters with its reason, acknowledges it and goes on', async () => {
    await publish(new Uint8Array(0));
    await publish(Buffer.from('x'), { compression: 'lzma' });
    await publish(Buffer.from('no gzip'), { compression: 'gzip' });
    await publish(gzipSync(Buffer.alloc(17 << 20)), { compression: 'gzip' });
    await publish(Buffer.from('x'), { format: 'no-such-format' });
    await publish(Buffer.from('x'), { source: 'a', position: '-1' });
    await publish(Buffer.from('x'), { layout: 'heap' });
    await publish(Buffer.from('head of a long line'), { problem: 'too_long' });
    await publish(Uint8Array.of(0xff, 0xfe, 0x00, 0x0a, 0xc3, 0x28));
    await publish(
      Buffer.concat([numbered(1, 1), Buffer.from('{"time":1,"device":"\xff","metric":"m","value":1}\n', 'latin1')]),
    );
    const ingest = site.ingest(await connect());
    await site.until(1);
    await expect.poll(async () => (await site.letters()).length).toBe(11);
    expect((await site.letters()).map(({ reason }) => reason)).toEqual([
      'empty_record',
      'unknown_compression',
      'truncated_input',
      'decompression_limit',
      'unknown_format',
      'bad_message',
      'bad_message',
      'too_long',
      'unknown_format',
      'unknown_format',
      'not_utf8',
    ]);
    expect(new Set((await site.letters()).map(({ source, position }) => `${source} ${position}`)).size).toBe(11);
    await ingest.stop();
    // All are acknowledged: the next one gets none of them.
    await publish(numbered(2, 1));
    const next = site.ingest(await connect());
    await site.until(2);
    expect(next.raw.counters.get('raw-readings-0')).toMatchObject({ messages: 1, refused: 0 });
  });

  it('hands a partition to another ingest, which goes on with its watermark and tells what is late', async () => {
    const first = site.ingest(await connect());
    for (let i = 0; i < 5; i++) await publish(numbered(i * 100, 100));
    await site.until(500);
    const second = site.ingest(await connect());
    await first.stop();
    // 100 s behind the newest: late, as the second one knows from the first.
    await publish(Buffer.concat([numbered(400, 1, 'old'), numbered(500, 100)]));
    await site.until(601);
    const rows = distinct(await site.rows());
    expect(rows.filter(({ late }) => late).map(({ value }) => value)).toEqual([400]);
    expect(rows.map(({ value }) => value)).toEqual([...range(0, 500), 400, ...range(500, 600)]);
    expect(second.raw.counters.get('raw-readings-0')!.messages).toBe(1);
    await second.stop();
  });

  it('spreads partitions over ingests, and loses nothing while they come and go', async () => {
    const stopped = new AbortController();
    let next = 0;
    const publishing = (async () => {
      while (!stopped.signal.aborted) {
        await publish(numbered(next, 50, `p${(next / 50) % 2}`), {}, (next / 50) % 2);
        next += 50;
      }
    })();
    const first = site.ingest(await connect());
    await site.until(500);
    const second = site.ingest(await connect());
    await pause(2500);
    const third = site.ingest(await connect());
    await pause(2500);
    await second.stop();
    await pause(1500);
    await first.stop();
    await pause(1500);
    stopped.abort();
    await publishing;
    await site.until(next);
    const seen = (await values()).sort((a, b) => a - b);
    expect(seen).toEqual(range(0, next));
    expect(
      [first, second, third].every(({ raw }) => [...raw.counters.values()].some(({ messages }) => messages > 0)),
    ).toBe(true);
  });

  it('marks a source as idle that gives nothing, also one that it took over and never heard', async () => {
    const first = site.ingest(await connect(), { idleMs: 3_600_000 });
    await publish(numbered(0, 10));
    await site.until(10);
    await first.stop();
    site.ingest(await connect(), { idleMs: 500 });
    const idle = async () => (await site.controls()).filter(({ kind }) => kind === 'idle').length;
    await expect.poll(idle, { timeout: 10_000 }).toBe(1);
  });

  it('says nothing of a source that somebody else has', async () => {
    const first = site.ingest(await connect(), { idleMs: 4000 });
    await publish(numbered(0, 10));
    await site.until(10);
    const others = [
      site.ingest(await connect(), { idleMs: 3_600_000 }),
      site.ingest(await connect(), { idleMs: 3_600_000 }),
    ];
    await pause(6000);
    const holders = [first, ...others].filter(({ pipeline }) => pipeline.sources.size > 0);
    expect(holders).toHaveLength(1);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
