import { createHash } from 'node:crypto';
import type { RawLog, RawTopic } from './raw-log.ts';
import { packMessage, type RawLines } from './raw-message.ts';

/** Where a format's lines are published, and how. */
export interface RawPublishing {
  readonly rawLog: RawLog;
  /** Opened. */
  readonly topic: RawTopic;
  /** Other topics, opened, by the name of a format or mapping. */
  readonly topicByFormat: ReadonlyMap<string, RawTopic>;
  readonly compression: 'none' | 'gzip';
  /** Lines are put together into messages of about so many bytes. */
  readonly batchBytes: number;
  /** Longest payload, bytes. */
  readonly maxMessageBytes: number;
}

/** Publishes lines into the partition of `orderedBy`, and resolves once they are durable. */
export async function publishLines(
  { rawLog, topic, topicByFormat, compression }: RawPublishing,
  lines: RawLines,
  orderedBy: string,
): Promise<void> {
  const { name, partitions } = (lines.format === undefined ? undefined : topicByFormat.get(lines.format)) ?? topic;
  await rawLog.publish(name, partitionOf(orderedBy, partitions), await packMessage(lines, compression));
}

function partitionOf(key: string, partitions: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % partitions;
}
