import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConsumeOptions, RawConsumer, RawLog, ReceivedMessage } from '../../ingest/raw-log.ts';
import { distinct, numbered, openRawSite, range, READINGS } from './raw-ingest-harness.ts';

/** A raw log of one sender's messages in partition 0, delivered in an order that the test chooses. */
class ScriptedLog {
  /** Calls of `redeliver`. */
  redeliveries = 0;
  private readonly acknowledged = new Set<number>();
  private consumers: ConsumeOptions[] = [];
  private readonly messages: readonly ReceivedMessage[];

  constructor(messages: readonly ReceivedMessage[]) {
    this.messages = messages;
  }

  get rawLog(): RawLog {
    return {
      open: () => Promise.resolve({ ...READINGS, incarnation: 'once' }),
      publish: () => Promise.reject(new Error('nothing is published here')),
      consume: (options) => this.consume(options),
      held: () => Promise.resolve([true, true]),
      close: () => Promise.resolve(),
    };
  }

  get unacknowledged(): number[] {
    return this.messages.map(({ id }) => id.entryId).filter((entryId) => !this.acknowledged.has(entryId));
  }

  /** Resolves once so many have asked for the partition. */
  async joined(count: number): Promise<void> {
    await expect.poll(() => this.consumers.length).toBe(count);
  }

  deliver(...entryIds: readonly number[]): void {
    for (const entryId of entryIds)
      this.consumers.at(-1)!.onMessage(this.messages.find(({ id }) => id.entryId === entryId)!);
  }

  private consume(options: ConsumeOptions): RawConsumer {
    if (options.partition === 0) this.consumers.push(options);
    return {
      isConnected: true,
      ack: (messages) => messages.forEach(({ id }) => this.acknowledged.add(id.entryId)),
      redeliver: () => {
        this.redeliveries++;
        setImmediate(() => {
          options.onReset();
          this.deliver(...this.unacknowledged);
        });
      },
      close: () => Promise.resolve(),
    };
  }
}

function message(entryId: number): ReceivedMessage {
  return {
    id: { ledgerId: 7, entryId, batchIndex: -1 },
    publishedMs: Date.now(),
    payload: numbered(entryId * 10, 10),
    properties: { format: 'readings-ndjson', source: 'd', position: String(entryId * 10_000) },
  };
}

describe('ingest from a raw log that delivers out of order when it is taken over', () => {
  let site: Awaited<ReturnType<typeof openRawSite>>;
  beforeEach(async () => {
    site = await openRawSite();
  });
  afterEach(() => site.close());

  const values = async (): Promise<number[]> => distinct(await site.rows()).map(({ value }) => value);

  it('waits for what its predecessor took and did not acknowledge', async () => {
    const log = new ScriptedLog(range(0, 6).map(message));
    const first = site.ingest(log.rawLog);
    await log.joined(1);
    log.deliver(0, 1, 2);
    await expect.poll(() => log.unacknowledged).toEqual([3, 4, 5]);
    await first.stop();
    site.ingest(log.rawLog);
    await log.joined(2);
    // 3 was with the one that died. What was published since comes first.
    log.deliver(4, 3, 4, 5);
    await expect.poll(() => log.unacknowledged).toEqual([]);
    await site.until(60);
    expect(await values()).toEqual(range(0, 60));
    expect(log.redeliveries).toBe(1);
  });

  it('waits for the very first message', async () => {
    const log = new ScriptedLog(range(0, 3).map(message));
    site.ingest(log.rawLog);
    await log.joined(1);
    log.deliver(1, 0, 1, 2);
    await site.until(30);
    expect(await values()).toEqual(range(0, 30));
  });

  it('goes on where what is missing is gone, after it has asked once', async () => {
    const log = new ScriptedLog([0, 1, 4, 5].map(message));
    site.ingest(log.rawLog);
    await log.joined(1);
    log.deliver(0, 1, 4, 5);
    await site.until(40);
    expect(await values()).toEqual([...range(0, 20), ...range(40, 60)]);
    expect(log.redeliveries).toBe(1);
  });
});
