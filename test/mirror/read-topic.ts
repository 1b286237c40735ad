import { randomUUID } from 'node:crypto';
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import type { KafkaConfig } from '../../config/kafka.ts';

// kafkajs comes without it.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }) => compressFrame(buffer),
  decompress: (bytes: Buffer) => decompressFrame(bytes),
});

/** A record of the mirror, as another program reads it. */
export interface Mirrored {
  readonly partition: number;
  readonly key: string;
  readonly event: {
    readonly raw: string;
    readonly device?: string;
    readonly direction?: string;
    readonly src_ip?: string;
    readonly dst_ip?: string;
    readonly _src: string;
    readonly _pos: number;
    readonly _part: number;
    readonly _off: number;
  };
}

/** All that a topic holds now, by kafkajs's own consumer; partitions one after the other, each in its order. */
export async function readTopic({ brokers, prefix }: KafkaConfig, name: string): Promise<Mirrored[]> {
  const topic = `${prefix}.${name}`;
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'reader', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({ partition, end: Number(high) }));
  await admin.disconnect();
  const left = new Map(ends.filter(({ end }) => end > 0).map(({ partition, end }) => [partition, end]));
  const read = ends.map((): Mirrored[] => []);
  if (left.size === 0) return [];
  const consumer = kafka.consumer({ groupId: `${prefix}.reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
      consumer
        .run({
          eachMessage: async ({ partition, message: { key, value, offset } }) => {
            if (!left.has(partition)) return;
            const event = JSON.parse(value!.toString()) as Mirrored['event'];
            read[partition]!.push({ partition, key: key!.toString(), event });
            if (Number(offset) + 1 >= left.get(partition)!) left.delete(partition);
            if (left.size === 0) resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return read.flat();
}
