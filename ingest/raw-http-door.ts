import { VedetteError } from '../model/errors.ts';
import type { CsvMapping } from './decoder.ts';
import { chooseFormat, type FormatChoice } from './formats.ts';
import type { HttpDelivery } from './http-door.ts';
import { RawCutter, headerKindOf, type RawCut } from './raw-cutter.ts';
import { packLines, type RawPublishing } from './raw-publisher.ts';
import { Gunzip } from './sources/gunzip.ts';

const HTTP_SOURCE = 'http';
/** Decompressed size of a body. */
const MAX_BODY_BYTES = 256 << 20;
const HEAD_BYTES = 65_536;
/** Bodies at once: each has its compressed form and a few messages in memory. */
const MAX_DELIVERIES = 8;
/** Messages of a body on their way at once, where their order does not matter for what is stored. */
const IN_FLIGHT = 8;

export interface RawHttpReceipt {
  /** Records that Pulsar has now; what they are is seen when they are read. */
  readonly lines: number;
  /** Of the body, unpacked. */
  readonly bytes: number;
  readonly messages: number;
}

export interface RawHttpDoorOptions extends RawPublishing {
  readonly mappings: readonly CsvMapping[];
  /** Name of this process among the listeners: what comes without a key stays in one partition, by it. */
  readonly listener: string;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/**
 * Records that come over HTTP, on their way into the raw log, answered once it has all of them. Without a key a delivery
 * is at-least-once. With one, its records have the same source id and positions each time, in the same partition, so
 * that whatever is sent again under the key is dropped downstream.
 */
export class RawHttpDoor {
  private readonly options: RawHttpDoorOptions;
  private deliveries = 0;

  constructor(options: RawHttpDoorOptions) {
    this.options = options;
  }

  /**
   * Resolves once every record is durable. Errors: BAD_REQUEST (a body that cannot be decompressed or is too large, an
   * unknown format), RAW_LOG_UNAVAILABLE (also where too many deliveries are under way), UNAUTHORIZED.
   */
  async deliver(delivery: HttpDelivery): Promise<RawHttpReceipt> {
    if (this.deliveries >= MAX_DELIVERIES)
      throw new VedetteError('RAW_LOG_UNAVAILABLE', `${MAX_DELIVERIES} deliveries are waiting for Pulsar already`);
    this.deliveries++;
    try {
      return await this.take(delivery);
    } finally {
      this.deliveries--;
    }
  }

  private async take(delivery: HttpDelivery): Promise<RawHttpReceipt> {
    const { idempotencyKey } = delivery;
    const receivedMs = this.options.now();
    const source = `${HTTP_SOURCE}/${this.options.listener}`;
    const orderedBy = idempotencyKey === undefined ? source : `key ${idempotencyKey}`;
    // Under a key, a record that is stored before an earlier one would have that one dropped when it is sent again.
    const window = new PublishWindow(idempotencyKey === undefined ? IN_FLIGHT : 1);
    const receipt = { lines: 0, bytes: 0, messages: 0 };
    const cuts: RawCut[] = [];
    let reading: { cutter: RawCutter; name: string } | undefined;
    const send = async (): Promise<void> => {
      for (const cut of cuts.splice(0)) {
        const { bytes, position, header, layout, problem, records } = cut;
        receipt.lines += records;
        receipt.messages++;
        const lines = {
          bytes,
          source,
          header,
          layout,
          receivedMs,
          ...(reading === undefined || reading.name === 'unknown' ? {} : { format: reading.name }),
          ...(idempotencyKey === undefined ? {} : { idempotencyKey, position }),
          ...(problem === undefined ? {} : { problem }),
        };
        await window.add(await packLines(this.options, lines, orderedBy));
      }
    };
    try {
      for await (const piece of pieces(delivery)) {
        reading ??= this.open(piece.subarray(0, HEAD_BYTES), delivery.format, (cut) => cuts.push(cut));
        reading.cutter.push(piece, receipt.bytes);
        receipt.bytes += piece.length;
        await send();
      }
      reading?.cutter.finish({ position: receipt.bytes });
      await send();
    } finally {
      await window.settled();
    }
    window.throwFirst();
    return receipt;
  }

  private open(
    head: Uint8Array,
    named: string | undefined,
    onCut: (cut: RawCut) => void,
  ): { cutter: RawCutter; name: string } {
    const { mappings, batchBytes, maxMessageBytes } = this.options;
    let choice: FormatChoice;
    try {
      choice = chooseFormat(head, { path: HTTP_SOURCE, mappings, ...(named === undefined ? {} : { named }) });
    } catch (error) {
      if (error instanceof VedetteError && error.code === 'CONFIG_INVALID')
        throw new VedetteError('BAD_REQUEST', `format: ${error.message}`, { cause: error });
      throw error;
    }
    const cutter = new RawCutter({ batchBytes, maxBytes: maxMessageBytes, headerKind: headerKindOf(choice), onCut });
    return { cutter, name: choice.mapping?.name ?? choice.format.name };
  }
}

/** Publishes on their way, some at a time; the first that fails lets no further one begin. */
class PublishWindow {
  private readonly size: number;
  private readonly running = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | undefined;

  constructor(size: number) {
    this.size = size;
  }

  /** Begins once there is room. @throws what an earlier one failed with */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.running.size >= this.size) await Promise.race(this.running);
    this.throwFirst();
    const run: Promise<void> = work()
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.running.delete(run));
    this.running.add(run);
  }

  async settled(): Promise<void> {
    await Promise.all(this.running);
  }

  throwFirst(): void {
    if (this.failure) throw this.failure.error;
  }
}

/** The body, unpacked piece by piece. */
async function* pieces({ body, encoding }: HttpDelivery): AsyncGenerator<Uint8Array, void, undefined> {
  if (encoding === 'identity') {
    if (body.length > 0) yield body;
    return;
  }
  const gunzip = new Gunzip({ maxBytes: MAX_BODY_BYTES });
  try {
    yield* gunzip.push(body);
    yield* gunzip.finish();
  } finally {
    gunzip.close();
  }
  if (gunzip.problem === 'decompression_limit')
    throw new VedetteError(
      'BAD_REQUEST',
      `the body decompresses to more than ${MAX_BODY_BYTES >> 20} MiB, or to over 100 times its size; send it in parts`,
    );
  if (gunzip.problem) throw new VedetteError('BAD_REQUEST', 'the body is not whole gzip: it breaks off or is damaged');
}
