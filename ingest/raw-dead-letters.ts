import type { DeadLetter, DeadLetterFilter, DeadLetterStore } from './dead-letter.ts';
import type { RawLog, RawTopic } from './raw-log.ts';

type NewLetter = Omit<DeadLetter, 'id'>;

/**
 * Dead letters that are also published, one JSON object a line, so that whoever sends logs can see what of them could
 * not be read (docs/raw-messages.md). A letter is durable in both places before `put` resolves; it may be published
 * again, with the same (source, position).
 */
export class PublishedDeadLetters implements DeadLetterStore {
  private readonly store: DeadLetterStore;
  private readonly rawLog: RawLog;
  private readonly topic: RawTopic;
  private readonly batchBytes: number;
  private partition = 0;

  constructor(store: DeadLetterStore, publishing: { rawLog: RawLog; topic: RawTopic; batchBytes: number }) {
    this.store = store;
    this.rawLog = publishing.rawLog;
    this.topic = publishing.topic;
    this.batchBytes = publishing.batchBytes;
  }

  async put(letters: readonly NewLetter[]): Promise<void> {
    await Promise.all([this.store.put(letters), this.publish(letters)]);
  }

  get(id: number): Promise<DeadLetter | undefined> {
    return this.store.get(id);
  }

  list(
    filter: DeadLetterFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ letters: DeadLetter[]; next?: string }> {
    return this.store.list(filter, page);
  }

  counts(): Promise<Record<string, number>> {
    return this.store.counts();
  }

  markReplayed(ids: readonly number[], atMs: number): Promise<void> {
    return this.store.markReplayed(ids, atMs);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async publish(letters: readonly NewLetter[]): Promise<void> {
    let lines: string[] = [];
    let sizeBytes = 0;
    const send = async (): Promise<void> => {
      if (lines.length === 0) return;
      const payload = Buffer.from(`${lines.join('\n')}\n`);
      lines = [];
      sizeBytes = 0;
      this.partition = (this.partition + 1) % this.topic.partitions;
      await this.rawLog.publish(this.topic.name, this.partition, {
        payload,
        properties: { content: 'vedette-dead-letters', version: '1' },
      });
    };
    for (const letter of letters) {
      const line = lineOf(letter);
      if (sizeBytes + line.length > this.batchBytes) await send();
      lines.push(line);
      sizeBytes += line.length + 1;
    }
    await send();
  }
}

function lineOf({ source, position, format, reason, receivedMs, bytes, sizeBytes, decoderState }: NewLetter): string {
  return JSON.stringify({
    source,
    position,
    format,
    reason,
    received: new Date(receivedMs).toISOString(),
    sizeBytes,
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    ...(decoderState === undefined ? {} : { decoderState }),
  });
}
