import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingRequirements } from '../../services/requirements.ts';
import { startServices, type Services } from '../../services/start-services.ts';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';
import { KafkaFixture } from './kafka.fixture.ts';
import { checkLoad, startLoad, until } from './kafka-load.ts';

const skip = missingRequirements(['kafka']).length > 0 && process.env['CI'] !== 'true';
if (skip) console.warn('skipped: Kafka can not be started here');

describe.skipIf(skip)('the event log on three brokers', () => {
  let services: Services | undefined;
  let fixture: KafkaFixture;

  beforeAll(async () => {
    services = await startServices({ only: ['kafka'], kafkaBrokers: 3, memoryMb: { kafka: 320 } });
    fixture = new KafkaFixture(services.env['VEDETTE_KAFKA']!.split(','), {
      replicationFactor: 3,
      minInsyncReplicas: 2,
    });
  });

  afterAll(() => services?.stop());

  async function leaderOf(log: KafkaLog, partition: number): Promise<number> {
    const { topics } = await log.describe();
    return topics[0]!.partitions[partition]!.leader;
  }

  it.each([
    { name: 'records of 200 bytes', topic: 'small', recordBytes: 200, how: 'kill' as const },
    { name: 'blocks of 200 kB', topic: 'blocks', recordBytes: 200_000, how: 'kill' as const },
    {
      name: 'records of 200 bytes, and the leader is frozen',
      topic: 'frozen',
      recordBytes: 200,
      how: 'freeze' as const,
    },
  ])(
    'loses no acknowledged record and keeps the order when a leader dies under load: $name',
    async ({ topic, recordBytes, how }) => {
      const log = await fixture.open([{ name: topic, partitions: 4 }], { requestTimeoutMs: 5000 });
      const load = startLoad(log, topic, { recordBytes });
      await sleep(3000);
      for (const partition of [0, 1]) {
        const leader = await leaderOf(log, partition);
        const server = services!.server(`kafka-${leader}`);
        if (how === 'kill') await server.kill();
        else server.freeze();
        const { end } = log.bounds(topic, partition);
        await until(() => log.bounds(topic, partition).end > end + 20, 60_000);
        await sleep(2000);
        if (how === 'kill') await server.start();
        else server.thaw();
        const { end: after } = log.bounds(topic, partition);
        await until(() => log.bounds(topic, partition).end > after + 20, 60_000);
        // All replicas are in sync again before the next one goes, so that two of three always have everything.
        await until(
          async () => (await log.describe()).topics[0]!.partitions.every(({ inSync }) => inSync.length === 3),
          60_000,
        );
      }
      await load.stop();
      const counted = await checkLoad(load, log, topic);
      const { resends, possibleDuplicates, batches } = log.stats();
      console.info(`${topic}: ${JSON.stringify({ ...counted, batches, resends, possibleDuplicates })}`);
      expect(load.rejections).toEqual([]);
      expect(counted.records).toBeGreaterThan(200);
      // What the brokers know again they store once; only where they lost a producer's number may a record be there twice.
      expect(counted.duplicates).toBeLessThanOrEqual(possibleDuplicates);
      await log.close();
    },
  );
});
