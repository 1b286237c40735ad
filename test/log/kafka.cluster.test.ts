import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import type { KafkaLog } from '../../log/kafka/kafka-log.ts';
import { CONTRACT_TOPICS, describeEventLog } from './event-log.contract.ts';
import { kafkaBrokers, KafkaFixture } from './kafka.fixture.ts';

const brokers = kafkaBrokers();

describe.skipIf(!brokers)('on a broker', () => {
  describeEventLog('the event log on Kafka', async () => {
    const fixture = new KafkaFixture(brokers!);
    let log: KafkaLog;
    return {
      open: async () => (log = await fixture.open(CONTRACT_TOPICS)),
      // A broker looks for what is too old once in minutes; deleting records does the same at once.
      async applyRetention() {
        const topic = fixture.name('short');
        await fixture.withAdmin(async (admin) => {
          await admin.fetchTopicOffsets(topic); // kafkajs looks for the leader in what it has asked for before
          await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '56' }] });
        });
        while (log.bounds('short', 0).earliest === 0) await sleep(20);
      },
      remove: () => fixture.remove(),
    };
  });
});
