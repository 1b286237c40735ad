import { joinGroup } from '../../log/kafka/group.ts';
import { kafkaSchema } from '../../config/kafka.ts';

/*
 * A member of a group in a process of its own, so that a test can kill or freeze it. Arguments: brokers, prefix, topics as
 * JSON. Tells on standard output, a line of JSON each: what was assigned, and what was lost.
 */
const [brokers = '', prefix = '', topics = '[]'] = process.argv.slice(2);
const kafka = kafkaSchema.parse({ brokers: brokers.split(','), prefix });
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

await joinGroup({
  kafka,
  groupId: 'members',
  topics: JSON.parse(topics) as { name: string; partitions: number }[],
  ...kafka.group,
  onAssigned: ({ generation, partitions, added, removed }) => void tell({ generation, partitions, added, removed }),
  onLost: () => void tell({ lost: true }),
  onFailed: (error) => void tell({ failed: String(error) }),
});
