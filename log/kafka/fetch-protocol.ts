import { AnswerReader, RequestWriter } from './bytes.ts';
import type { RawRequest } from './lane.ts';

const FETCH = { name: 'Fetch', apiKey: 1, apiVersion: 11 };
/** The first is what the broker may wait; the rest is for the way, and for reading from a slow disk. */
const SLACK_MS = 15_000;

export interface FetchPart {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface FetchedPart {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Offset behind the last record that all replicas in sync have. */
  readonly highWatermark: number;
  /** First offset still kept; −1 with an error. */
  readonly logStart: number;
  /** Where its batches lie in the answer. */
  readonly start: number;
  readonly end: number;
}

/** Version 11, of all records that are committed to the replicas, without a session. */
export function fetchRequest(
  parts: readonly FetchPart[],
  limits: { readonly maxWaitMs: number; readonly maxBytes: number; readonly partitionBytes: number },
): RawRequest {
  const request = new RequestWriter();
  request.int32(-1).int32(limits.maxWaitMs).int32(1).int32(limits.maxBytes);
  request.int8(0); // isolation: transactions are not used, so what is committed to the replicas is what is to be read
  request.int32(0).int32(-1); // no session
  const topics = groupBy(parts, ({ topic }) => topic);
  request.int32(topics.length);
  for (const [topic, ofTopic] of topics) {
    request.string(topic).int32(ofTopic.length);
    for (const { partition, offset } of ofTopic) {
      request.int32(partition).int32(-1).int64(offset).int64(-1).int32(limits.partitionBytes);
    }
  }
  request.int32(0).string('');
  return { ...FETCH, body: [request.finish()], timeoutMs: limits.maxWaitMs + SLACK_MS };
}

export function readFetchAnswer(bytes: Buffer): { errorCode: number; parts: FetchedPart[] } {
  const answer = new AnswerReader(bytes);
  answer.int32(); // throttled: the broker has waited already
  const errorCode = answer.int16();
  answer.int32(); // session
  const parts: FetchedPart[] = [];
  for (let topics = answer.int32(); topics > 0; topics--) {
    const topic = answer.string();
    for (let partitions = answer.int32(); partitions > 0; partitions--) {
      const partition = answer.int32();
      const partError = answer.int16();
      const highWatermark = answer.int64();
      answer.int64(); // last stable offset
      const logStart = answer.int64();
      answer.skip(16 * Math.max(0, answer.int32())); // aborted transactions
      answer.int32(); // preferred replica
      parts.push({ topic, partition, errorCode: partError, highWatermark, logStart, ...answer.skip(answer.int32()) });
    }
  }
  return { errorCode, parts };
}

/** Keeps the order of what it groups, since a broker fills its answer in the order of the request. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups];
}
