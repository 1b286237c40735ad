import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinGroup } from '../../log/kafka/group.ts';
import { missingRequirements } from '../../services/requirements.ts';
import { startServices, type Services } from '../../services/start-services.ts';
import { KafkaFixture } from './kafka.fixture.ts';
import { checkLoad, startLoad, until } from './kafka-load.ts';

const skip = missingRequirements(['kafka']).length > 0 && process.env['CI'] !== 'true';
if (skip) console.warn('skipped: Kafka can not be started here');

describe.skipIf(skip)('a broker that is the only one', () => {
  let services: Services | undefined;
  let fixture: KafkaFixture;

  beforeAll(async () => {
    services = await startServices({ only: ['kafka'], memoryMb: { kafka: 320 } });
    fixture = new KafkaFixture(services.env['VEDETTE_KAFKA']!.split(','));
  });

  afterAll(() => services?.stop());

  it.each(['stop', 'kill'] as const)(
    'may %s and start again under load: appends and reads wait, and every record is there in order',
    async (how) => {
      const log = await fixture.open([{ name: how, partitions: 2 }]);
      const load = startLoad(log, how, { recordBytes: 2000 });
      const end = () => log.bounds(how, 0).end;
      await until(() => end() > 100, 30_000);
      const server = services!.server('kafka');
      await server[how]();
      const before = end();
      await sleep(2000);
      await server.start();
      await until(() => end() > before + 100, 60_000);
      await load.stop();
      const counted = await checkLoad(load, log, how);
      const { possibleDuplicates, resends } = log.stats();
      console.info(`${how}: ${JSON.stringify({ ...counted, resends, possibleDuplicates })}`);
      expect(load.rejections).toEqual([]);
      expect(counted.duplicates).toBeLessThanOrEqual(possibleDuplicates);
      await log.close();
    },
  );

  it('may go and come back without a member losing what it works on', async () => {
    const changes: string[] = [];
    const member = await joinGroup({
      kafka: fixture.kafka,
      groupId: 'members',
      topics: [{ name: 'work', partitions: 2 }],
      ...fixture.kafka.group,
      onAssigned: ({ added, removed }) => void changes.push(`+${added.length} -${removed.length}`),
      onLost: () => void changes.push('lost'),
      onFailed: (error) => void changes.push(String(error)),
    });
    await until(() => changes.length === 1, 10_000);
    await services!.server('kafka').kill();
    await services!.server('kafka').start();
    await sleep(4000);
    expect(member.partitions).toHaveLength(2);
    expect(changes.filter((change) => change !== '+0 -0')).toEqual(['+2 -0']);
    await member.leave();
  });

  it('gives an append up that cannot be stored, in words, with those behind it', async () => {
    const log = await fixture.open([{ name: 'given-up', partitions: 1 }], { appendTimeoutMs: 1500 });
    await log.append('given-up', 0, [Buffer.from('a')]);
    await services!.server('kafka').stop();
    const outcomes = await Promise.allSettled([
      log.append('given-up', 0, [Buffer.from('b')]),
      sleep(100).then(() => log.append('given-up', 0, [Buffer.from('c')])),
    ]);
    await services!.server('kafka').start();
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'LOG_UNAVAILABLE', retry: true } });
    }
    await until(async () => (await log.append('given-up', 0, [Buffer.from('d')]).catch(() => 0)) > 0, 30_000);
    await log.close();
  });
});
