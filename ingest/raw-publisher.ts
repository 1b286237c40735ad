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

/**
 * Packs lines for the partition of `orderedBy`; what it gives publishes them, and resolves once they are durable. Two
 * steps, since packing takes its time on another thread: messages are published in the order of the second.
 */
export async function packLines(
  { rawLog, topic, topicByFormat, compression }: RawPublishing,
  lines: RawLines,
  orderedBy: string,
): Promise<() => Promise<void>> {
  const { name, partitions } = (lines.format === undefined ? undefined : topicByFormat.get(lines.format)) ?? topic;
  const message = await packMessage(lines, compression);
  const partition = partitionOf(orderedBy, partitions);
  return async () => {
    await rawLog.publish(name, partition, message);
  };
}

function partitionOf(key: string, partitions: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % partitions;
}
