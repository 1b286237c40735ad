import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { VedetteError } from '../model/errors.ts';
import { Serial } from '../model/serial.ts';
import type { CsvMapping } from './decoder.ts';
import { chooseFormat, type FormatChoice } from './formats.ts';
import type { IngestSource } from './ingest-source.ts';
import type { IngestPipeline } from './pipeline.ts';
import type { SourceStateStore } from './source-state.ts';
import { Gunzip } from './sources/gunzip.ts';
import { RecordSplitter } from './sources/record-splitter.ts';

/** Name of the listener: part of its sources' ids, and the parent of its devices. */
const HTTP_SOURCE = 'http';

export interface HttpDelivery {
  readonly body: Uint8Array;
  readonly encoding: 'identity' | 'gzip';
  readonly format?: string;
  /** What makes a repeated delivery known as one. */
  readonly idempotencyKey?: string;
}

export interface HttpReceipt {
  readonly events: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly replayed: boolean;
}

/** Decompressed size of a body. */
const MAX_BODY_BYTES = 256 << 20;
/** Positions are reserved this many bytes at a time, so that not every request writes them down. */
const RESERVED_BYTES = 2 ** 36;
const HEAD_BYTES = 65_536;
/** How long a request waits for a log that takes nothing, ms. */
const OBSTACLE_MS = 2000;

/**
 * Records that come over HTTP, a request at a time, answered once durable. All requests of a format are one source, with
 * one watermark. Without a key a delivery is at-least-once: sent again, it counts again. With one, its records carry a
 * source id of their own, so that whatever is sent again under the key is dropped.
 */
export class HttpDoor {
  private readonly pipeline: IngestPipeline;
  private readonly states: SourceStateStore;
  private readonly mappings: readonly CsvMapping[];
  private readonly sources = new Map<string, IngestSource>();
  private position = 0;
  private reserved = 0;
  private readonly deliveries = new Serial();

  constructor(options: { pipeline: IngestPipeline; states: SourceStateStore; mappings: readonly CsvMapping[] }) {
    this.pipeline = options.pipeline;
    this.states = options.states;
    this.mappings = options.mappings;
  }

  /**
   * Resolves once every record is durable. Errors: BAD_REQUEST (a body that cannot be decompressed or is too large, an
   * unknown format), and the log's.
   */
  deliver(delivery: HttpDelivery): Promise<HttpReceipt> {
    return this.deliveries.run(() => this.take(delivery));
  }

  private async take(delivery: HttpDelivery): Promise<HttpReceipt> {
    const key = delivery.idempotencyKey;
    const digest = key === undefined ? '' : createHash('sha256').update(key).digest('hex').slice(0, 32);
    const known = digest === '' ? undefined : await this.states.load(`${HTTP_SOURCE}/key/${digest}`);
    if (known !== undefined) return { ...(JSON.parse(known) as HttpReceipt), replayed: true };
    const body = delivery.encoding === 'gzip' ? await decompress(delivery.body) : delivery.body;
    if (this.pipeline.obstacle) throw this.pipeline.obstacle;
    const source = this.sourceFor(body.subarray(0, HEAD_BYTES), delivery.format);
    const before = { ...source.counters };
    const base = digest === '' ? await this.reserve(body.length + 1) : 0;
    source.storedAs(digest === '' ? undefined : source.id.replace(/#.*$/, `#${digest}`));
    this.split(source, body, base);
    await this.flush();
    const receipt: HttpReceipt = {
      events: source.counters.events - before.events,
      late: source.counters.late - before.late,
      deadLetters: source.counters.deadLetters - before.deadLetters,
      replayed: false,
    };
    if (digest !== '')
      await this.states.save([{ name: `${HTTP_SOURCE}/key/${digest}`, state: JSON.stringify(receipt) }]);
    return receipt;
  }

  /** Waits for the log, but not for ever: who sends is told to come back. What is queued is written when it can be. */
  private async flush(): Promise<void> {
    const flushed = this.pipeline.flush();
    for (;;) {
      const isDone = await Promise.race([flushed.then(() => true), sleep(OBSTACLE_MS, false)]);
      if (isDone) return;
      if (this.pipeline.obstacle) {
        flushed.catch(() => undefined);
        throw this.pipeline.obstacle;
      }
    }
  }

  private split(source: IngestSource, body: Uint8Array, base: number): void {
    const receivedMs = this.pipeline.options.now();
    source.context.receivedMs = receivedMs;
    const splitter = new RecordSplitter({
      record: (bytes, start, end, position) => source.write(bytes, start, end, position, receivedMs),
      rejected: (reason, position, head) => source.refuse(reason, head, 0, head.length, position),
    });
    splitter.push(body, base);
    splitter.finish();
  }

  private sourceFor(head: Uint8Array, named: string | undefined): IngestSource {
    const choice = this.choose(head, named);
    const name = choice.mapping?.name ?? choice.format.name;
    const decoder = choice.format.createDecoder({ ...(choice.mapping ? { mapping: choice.mapping } : {}) });
    const open = this.sources.get(name);
    if (open && open.state !== 'closed') {
      // A body begins with its own header, if its format has one.
      open.decodeWith(decoder);
      return open;
    }
    const source = this.pipeline.openSource({
      id: `${HTTP_SOURCE}/${name}#1`,
      decoder,
      disorderMs: choice.mapping?.disorderMs ?? choice.format.disorderMs,
      holdsTime: false,
    });
    this.sources.set(name, source);
    return source;
  }

  private choose(head: Uint8Array, named: string | undefined): FormatChoice {
    try {
      return chooseFormat(head, {
        path: HTTP_SOURCE,
        mappings: this.mappings,
        ...(named === undefined ? {} : { named }),
      });
    } catch (error) {
      if (error instanceof VedetteError && error.code === 'CONFIG_INVALID')
        throw new VedetteError('BAD_REQUEST', `format: ${error.message}`, { cause: error });
      throw error;
    }
  }

  /** Positions for so many bytes. Reserved ahead on disk, so that none is given out twice, whatever happens. */
  private async reserve(sizeBytes: number): Promise<number> {
    if (this.reserved === 0) {
      const saved = await this.states.load(`${HTTP_SOURCE}/reserved`);
      this.position = saved === undefined ? 0 : Number(saved);
      this.reserved = this.position;
    }
    if (this.position + sizeBytes > this.reserved) {
      this.reserved = this.position + sizeBytes + RESERVED_BYTES;
      await this.states.save([{ name: `${HTTP_SOURCE}/reserved`, state: String(this.reserved) }]);
    }
    const base = this.position;
    this.position += sizeBytes;
    return base;
  }
}

async function decompress(body: Uint8Array): Promise<Uint8Array> {
  const gunzip = new Gunzip({ maxBytes: MAX_BODY_BYTES });
  const parts: Uint8Array[] = [];
  try {
    for await (const part of gunzip.push(body)) parts.push(part.slice());
    for await (const part of gunzip.finish()) parts.push(part.slice());
  } finally {
    gunzip.close();
  }
  if (gunzip.problem === 'decompression_limit')
    throw new VedetteError(
      'BAD_REQUEST',
      `the body decompresses to more than ${MAX_BODY_BYTES >> 20} MiB, or to over 100 times its size; send it in parts`,
    );
  if (gunzip.problem) throw new VedetteError('BAD_REQUEST', 'the body is not whole gzip: it breaks off or is damaged');
  return Buffer.concat(parts);
}
