import { numberAt, optionalText, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import { parsePointer } from './manifest.ts';

/** A key's newest checkpoint, as a look from outside sees it. */
export interface CheckpointStatus {
  readonly key: string;
  /** Rises with every worker that takes the key over. */
  readonly epoch: number;
  readonly sequence: number;
  /** By the clock of the worker that wrote it; undefined: none yet. */
  readonly committedMs?: number;
  readonly sizeBytes?: number;
}

/** All keys with their checkpoints, by name. Claims nothing. */
export async function listCassandraCheckpoints(session: CassandraSession): Promise<CheckpointStatus[]> {
  const found: CheckpointStatus[] = [];
  const query = `SELECT key, epoch, sequence, committed_ms, newest FROM ${session.keyspace}.checkpoint_manifests`;
  for await (const row of session.rows(query, [])) {
    const newest = optionalText(row, 'newest');
    found.push({
      key: textAt(row, 'key'),
      epoch: numberAt(row, 'epoch'),
      sequence: numberAt(row, 'sequence'),
      ...(newest !== undefined && {
        committedMs: numberAt(row, 'committed_ms'),
        sizeBytes: parsePointer(newest).sizeBytes,
      }),
    });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}
