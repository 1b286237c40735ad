import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RawLog, RawTopic, ReceivedMessage } from '../../../ingest/raw-log.ts';
import { RawFileDoor } from '../../../ingest/raw-file-door.ts';
import { RawHttpDoor } from '../../../ingest/raw-http-door.ts';
import { PublishedDeadLetters } from '../../../ingest/raw-dead-letters.ts';
import { MAPPINGS } from '../mappings.ts';
import { READINGS, distinct, numbered, openRawSite, range } from '../raw-ingest-harness.ts';
import { pulsarAddress, pulsarNamespace } from './pulsar-fixture.ts';

const address = pulsarAddress('doors that publish to Pulsar');

describe.skipIf(!address)('doors that publish to Pulsar', () => {
  let namespace: ReturnType<typeof pulsarNamespace>;
  let site: Awaited<ReturnType<typeof openRawSite>>;
  let log: RawLog;
  let topic: RawTopic;
  let dir: string;
  const closers: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    namespace = pulsarNamespace(address!);
    site = await openRawSite();
    log = namespace.connect();
    topic = await log.open(READINGS);
    dir = await mkdtemp(join(tmpdir(), 'vedette-followed-'));
  });

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    await site.close();
    await log.close();
    await namespace.remove();
    await rm(dir, { recursive: true });
  });

  const publishing = () => ({
    rawLog: log,
    topic,
    topicByFormat: new Map<string, RawTopic>(),
    compression: 'none' as const,
    batchBytes: 8192,
    maxMessageBytes: 700_000,
  });

  function httpDoor(options: { compression?: 'none' | 'gzip' } = {}): RawHttpDoor {
    return new RawHttpDoor({ ...publishing(), mappings: MAPPINGS, listener: 'test', now: Date.now, ...options });
  }

  async function followed(): Promise<{ door: RawFileDoor; run: Promise<void> }> {
    const door = await RawFileDoor.open({
      ...publishing(),
      states: site.stores.sourceStates,
      paths: [dir],
      mappings: MAPPINGS,
      listener: 'here',
      now: Date.now,
      onNotice: () => undefined,
    });
    const run = door.run();
    closers.push(async () => {
      await door.close();
      await run;
    });
    return { door, run };
  }

  /** Everything in the topic, by partition. */
  async function published(settled: number): Promise<ReceivedMessage[]> {
    const messages: ReceivedMessage[] = [];
    const consumers = range(0, topic.partitions).map((partition) =>
      log.consume({
        topic: topic.name,
        partition,
        subscription: 'look',
        permits: 1000,
        onMessage: (message) => messages.push(message),
        onReset: () => undefined,
        onFailed: () => undefined,
      }),
    );
    await expect.poll(() => messages.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(settled);
    await Promise.all(consumers.map((consumer) => consumer.close()));
    return messages;
  }

  it('answer a delivery with what Pulsar has, in messages of whole lines with their header', async () => {
    const lines = range(0, 1000).map((n) => `${new Date(n * 1000 + 1.7e12).toISOString()},d,m,${n}`);
    const body = Buffer.from(`time,device,metric,value\n${lines.join('\n')}`);
    const receipt = await httpDoor({ compression: 'gzip' }).deliver({ body: gzipSync(body), encoding: 'gzip' });
    expect(receipt).toMatchObject({ lines: 1001, bytes: body.length });
    const messages = await published(receipt.messages);
    expect(messages).toHaveLength(receipt.messages);
    expect(messages[1]!.properties).toMatchObject({
      format: 'readings-csv',
      header: 'time,device,metric,value',
      compression: 'gzip',
    });
    site.ingest(log);
    await site.until(1000);
    expect((await site.rows()).map(({ value }) => value)).toEqual(range(0, 1000));
  });

  it('count a delivery once that comes twice under one key, even through another listener, and twice without', async () => {
    const body = numbered(0, 500);
    for (const key of ['k', 'k', undefined, undefined])
      await httpDoor().deliver({ body, encoding: 'identity', ...(key === undefined ? {} : { idempotencyKey: key }) });
    site.ingest(log);
    await site.until(1500);
    expect(distinct(await site.rows())).toHaveLength(1500);
  });

  it('refuse a body that is no gzip, a bomb and an unknown format', async () => {
    const door = httpDoor();
    const refused = expect.objectContaining({ code: 'BAD_REQUEST' }) as Error;
    await expect(door.deliver({ body: Buffer.from('x'), encoding: 'gzip' })).rejects.toEqual(refused);
    const bomb = gzipSync(Buffer.alloc(300 << 20));
    await expect(door.deliver({ body: bomb, encoding: 'gzip' })).rejects.toEqual(refused);
    await expect(door.deliver({ body: Buffer.from('x'), encoding: 'identity', format: 'no' })).rejects.toEqual(refused);
    expect(await door.deliver({ body: new Uint8Array(0), encoding: 'identity' })).toEqual({
      lines: 0,
      bytes: 0,
      messages: 0,
    });
  });

  it('say that Pulsar is away within their time', async () => {
    const away = namespace.connect({ webSocketUrl: 'ws://127.0.0.1:9', publishTimeoutMs: 500 } as object);
    closers.push(() => away.close());
    await away.open(READINGS);
    const door = new RawHttpDoor({ ...publishing(), rawLog: away, mappings: [], listener: 'x', now: Date.now });
    const began = performance.now();
    await expect(door.deliver({ body: numbered(0, 5000), encoding: 'identity' })).rejects.toMatchObject({
      code: 'RAW_LOG_UNAVAILABLE',
      retry: true,
    });
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('follow files: each line once, over rotation, restarts, and lines that a crash publishes again', async () => {
    const path = join(dir, 'readings.ndjson');
    await writeFile(path, numbered(0, 300));
    site.ingest(log);
    const first = await followed();
    await site.until(300);
    await appendFile(path, numbered(300, 300));
    await site.until(600);
    // Killed before it wrote down how far it was: as if nothing of this had been saved.
    const { states, early } = {
      states: site.stores.sourceStates,
      early: await site.stores.sourceStates.load(`raw files here ${dir}`),
    };
    await appendFile(path, numbered(600, 300));
    await site.until(900);
    await first.door.close();
    await first.run;
    await states.save([{ name: `raw files here ${dir}`, state: early! }]);
    await rename(path, `${path}.1`);
    await writeFile(path, numbered(900, 300));
    await followed();
    await site.until(1200);
    await expect.poll(async () => (await site.rows()).length, { timeout: 10_000 }).toBeGreaterThan(1200);
    expect(
      distinct(await site.rows())
        .map(({ value }) => value)
        .sort((a, b) => a - b),
    ).toEqual(range(0, 1200));
  });

  it('publish dead letters as JSON lines as well as keeping them', async () => {
    const letters = new PublishedDeadLetters(site.stores.deadLetters, { rawLog: log, topic, batchBytes: 65_536 });
    await letters.put(
      range(0, 3).map((position) => ({
        source: 's#1',
        position,
        format: 'zeek-json',
        reason: 'not_json' as const,
        receivedMs: 0,
        bytes: Uint8Array.of(0xff, position),
        sizeBytes: 2,
      })),
    );
    expect(await letters.counts()).toEqual({ not_json: 3 });
    const [message] = await published(1);
    const lines = Buffer.from(message!.payload).toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)[2]).toEqual({
      source: 's#1',
      position: 2,
      format: 'zeek-json',
      reason: 'not_json',
      received: '1970-01-01T00:00:00.000Z',
      sizeBytes: 2,
      bytes: Buffer.from([0xff, 2]).toString('base64'),
    });
  });
});
