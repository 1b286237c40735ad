import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingRequirements } from '../../services/requirements.ts';
import { type Services, startServices } from '../../services/start-services.ts';

const skip = missingRequirements(['kafka']).length > 0 && process.env['CI'] !== 'true';
if (skip) console.warn('skipped: Kafka can not be started here');

describe.skipIf(skip)('three brokers behind proxies', () => {
  let services: Services;
  beforeAll(async () => {
    services = await startServices({ only: ['kafka'], kafkaBrokers: 3, proxied: ['kafka'], memoryMb: { kafka: 320 } });
  });
  afterAll(() => services.stop());

  function connect(): Kafka {
    return new Kafka({
      brokers: (services.env['VEDETTE_KAFKA'] ?? '').split(','),
      logLevel: logLevel.NOTHING,
      retry: { retries: 15, initialRetryTime: 200, maxRetryTime: 1000 },
    });
  }

  it('tell clients the addresses of their proxies, keep three replicas, and go on without one of them', async () => {
    const kafka = connect();
    const admin = kafka.admin();
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    const told = brokers.map(({ host, port }) => `${host}:${port}`);
    expect(told.toSorted()).toEqual((services.env['VEDETTE_KAFKA'] ?? '').split(',').toSorted());

    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }], waitForLeaders: true });
    const leaderOf = async (): Promise<{ leader: number; replicas: number }> => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['kept'] });
      const partition = topics[0]?.partitions[0];
      return { leader: partition?.leader ?? -1, replicas: partition?.replicas.length ?? 0 };
    };
    const before = await leaderOf();
    expect(before.replicas).toBe(3);
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'one' }] });

    const leader = services.server(`kafka-${before.leader}`);
    await leader.kill();
    await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'two' }] });
    expect((await leaderOf()).leader).not.toBe(before.leader);
    await leader.start();
    await producer.disconnect();

    const consumer = kafka.consumer({ groupId: 'reader', maxWaitTimeInMs: 100 });
    const seen: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: ['kept'], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        seen.push(message.value?.toString() ?? '');
        if (seen.includes('two')) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
    await consumer.disconnect();
    await admin.disconnect();
    expect(seen).toEqual(['one', 'two']);
  });
});
