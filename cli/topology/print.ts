import { visibleText } from '../../console/visible-text.ts';
import type { Output } from '../output.ts';
import type { RoleView, TopologyView } from './view.ts';

/** Instead of an owner. */
const NOBODY = '-- nobody --';
const UNKNOWN = '?';

/** Tables of roles and raw topics, then what to do. */
export async function printTopology(output: Output, view: TopologyView, advice: readonly string[]): Promise<void> {
  for (const role of view.roles) await printRole(output, role);
  await printIngest(output, view);
  if (advice.length === 0) {
    await output.text(
      `\nNothing to do: every partition has an owner${view.over_seconds > 0 ? ', and no lag grows' : ''}`,
    );
    return;
  }
  await output.write(`\n${output.paint('bold', 'To do')}\n`);
  for (const text of advice) await output.write(`- ${visibleText(text)}\n`);
}

async function printRole(output: Output, view: RoleView): Promise<void> {
  const { role, group, state, members, partitions } = view;
  const count = members.length === 1 ? '1 worker' : `${members.length} workers`;
  const about = state === undefined ? 'workers unknown' : `${count} (group ${group ?? ''}: ${state})`;
  await output.write(`${output.paint('bold', visibleText(`${role}: ${about}`))}\n`);
  if (members.length > 0) {
    await output.table(
      [{ title: 'WORKER' }, { title: 'CLIENT' }, { title: 'HOST' }, { title: 'PARTITIONS', align: 'right' }],
      members.map((member) => [member.name, member.client_id, member.host, String(member.partitions)]),
    );
    await output.write('\n');
  }
  const hasCheckpoints = role === 'stream';
  const nobody = state === undefined ? UNKNOWN : NOBODY;
  await output.table(
    [
      { title: 'TOPIC', shrink: true },
      { title: 'PARTITION', align: 'right' },
      { title: 'OWNER' },
      { title: 'COMMITTED', align: 'right' },
      { title: 'END', align: 'right' },
      { title: 'LAG', align: 'right' },
      { title: 'EPOCH', align: 'right' },
      ...(hasCheckpoints
        ? [
            { title: 'CHECKPOINT', align: 'right' as const },
            { title: 'SIZE', align: 'right' as const },
            { title: 'ITS EPOCH', align: 'right' as const },
          ]
        : []),
    ],
    partitions.map(({ topic, partition, owner, checkpoint, ...entry }) => [
      topic,
      String(partition),
      owner ?? nobody,
      entry.committed === undefined ? 'none' : String(entry.committed),
      number(entry.end),
      `${number(entry.lag)}${entry.is_growing === true ? ' +' : ''}`,
      number(entry.epoch),
      ...(hasCheckpoints
        ? [
            checkpoint?.age_seconds === undefined ? 'none' : `${age(checkpoint.age_seconds)} ago`,
            checkpoint?.bytes === undefined ? '' : bytes(checkpoint.bytes),
            number(checkpoint?.epoch),
          ]
        : []),
    ]),
  );
  await output.write('\n');
}

async function printIngest(output: Output, { ingest }: TopologyView): Promise<void> {
  await output.write(`${output.paint('bold', 'ingest: raw topics')}\n`);
  if (!ingest.topics) {
    await output.text("Pulsar's admin interface does not answer: who reads the raw topics is not known");
    return;
  }
  await output.table(
    [
      { title: 'TOPIC' },
      { title: 'PARTITION', align: 'right' },
      { title: 'BACKLOG', align: 'right' },
      { title: 'CONSUMER', shrink: true },
    ],
    ingest.topics.flatMap(({ topic, partitions }) =>
      partitions
        ? partitions.map(({ partition, backlog, consumer }) => [
            topic,
            String(partition),
            number(backlog),
            consumer ?? NOBODY,
          ])
        : [[topic, '', '', 'there is no such topic']],
    ),
  );
}

function number(value: number | undefined): string {
  return value === undefined ? UNKNOWN : String(value);
}

function age(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  return size < 1e6 ? `${(size / 1e3).toPrecision(3)} kB` : `${Number((size / 1e6).toPrecision(3))} MB`;
}
