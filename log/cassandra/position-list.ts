import { numberAt, optionalText, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';

/** A group's place in a partition, as a look from outside sees it. */
export interface PositionStatus {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Rises with every worker that takes the partition over. */
  readonly epoch: number;
  /** Undefined: nothing committed yet. */
  readonly offset?: number;
  /** What the group noted with the offset. */
  readonly metadata?: string;
}

/** All groups' positions, in no order. Claims nothing. Errors: as of the session. */
export async function listCassandraPositions(session: CassandraSession): Promise<PositionStatus[]> {
  const found: PositionStatus[] = [];
  const query = `SELECT log_group, topic, partition, epoch, next_offset, metadata FROM ${session.keyspace}.positions`;
  for await (const row of session.rows(query, [])) {
    found.push({
      group: textAt(row, 'log_group'),
      topic: textAt(row, 'topic'),
      partition: numberAt(row, 'partition'),
      epoch: numberAt(row, 'epoch'),
      ...(row['next_offset'] !== null && {
        offset: numberAt(row, 'next_offset'),
        metadata: optionalText(row, 'metadata') ?? '',
      }),
    });
  }
  return found;
}
