import { Kafka, logLevel } from 'kafkajs';
import type { KafkaConfig } from '../../config/kafka.ts';
import { pause } from '../measure.ts';

const WAIT_MS = 100;
const TRIES = 100;

/** Deletes all topics of the prefix but those to be kept, and resolves once they are gone. */
export async function resetTopics(kafka: KafkaConfig, kept: readonly string[]): Promise<void> {
  const client = new Kafka({ brokers: [...kafka.brokers], clientId: 'bench', logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  try {
    const keep = new Set(kept.map((name) => `${kafka.prefix}.${name}`));
    const others = async (): Promise<string[]> =>
      (await admin.listTopics()).filter((name) => name.startsWith(`${kafka.prefix}.`) && !keep.has(name));
    const topics = await others();
    if (topics.length === 0) return;
    await admin.deleteTopics({ topics });
    for (let tried = 0; (await others()).length > 0; tried++) {
      if (tried === TRIES) throw new Error(`topics of ${kafka.prefix} are not deleted`);
      await pause(WAIT_MS);
    }
  } finally {
    await admin.disconnect();
  }
}
