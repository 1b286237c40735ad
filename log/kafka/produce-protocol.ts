import { AnswerReader, RequestWriter } from './bytes.ts';
import { groupBy } from './fetch-protocol.ts';
import type { RawRequest } from './lane.ts';

const PRODUCE = { name: 'Produce', apiKey: 0, apiVersion: 7 };
const ALL_REPLICAS = -1;

export interface ProducePart {
  readonly topic: string;
  readonly partition: number;
  /** One batch, stamped. */
  readonly batch: Buffer;
}

export interface ProducedPart {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Offset of the batch's first record; −1 with an error. */
  readonly baseOffset: number;
}

/** Version 7, acknowledged by all replicas in sync. The batches are handed on as they are. */
export function produceRequest(parts: readonly ProducePart[], replicasMs: number): RawRequest {
  const body: Uint8Array[] = [];
  const topics = groupBy(parts, ({ topic }) => topic);
  body.push(new RequestWriter().int16(-1).int16(ALL_REPLICAS).int32(replicasMs).int32(topics.length).finish());
  for (const [topic, ofTopic] of topics) {
    body.push(new RequestWriter().string(topic).int32(ofTopic.length).finish());
    for (const { partition, batch } of ofTopic) {
      body.push(new RequestWriter().int32(partition).int32(batch.length).finish(), batch);
    }
  }
  return { ...PRODUCE, body, timeoutMs: replicasMs + 5000 };
}

export function readProduceAnswer(bytes: Buffer): ProducedPart[] {
  const answer = new AnswerReader(bytes);
  const parts: ProducedPart[] = [];
  for (let topics = answer.int32(); topics > 0; topics--) {
    const topic = answer.string();
    for (let partitions = answer.int32(); partitions > 0; partitions--) {
      const partition = answer.int32();
      const errorCode = answer.int16();
      const baseOffset = answer.int64();
      answer.skip(16); // time of the append, start of the log
      parts.push({ topic, partition, errorCode, baseOffset });
    }
  }
  return parts;
}
