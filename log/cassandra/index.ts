import { numberAt, optionalText, type Row } from '../../cassandra/row.ts';
import type { CassandraSession, Statement } from '../../cassandra/session.ts';
import { VedetteError } from '../../model/errors.ts';
import type { GroupPosition } from '../event-log.ts';
import type { GroupPartition, PositionStore } from '../position-store.ts';

/** Claims that lose against others at the same moment before it is told. */
const MOST_CLAIMS = 50;

/** Positions of groups in Cassandra: a row a group, topic and partition, changed by compare-and-set alone. */
export function openCassandraPositions(session: CassandraSession): PositionStore {
  return new CassandraPositions(session);
}

/** What this process holds of a partition. */
interface Holding {
  readonly epoch: number;
  /** Of the newest commit: one that was lost on its way and arrives late finds another, and does nothing. */
  sequence: number;
  /** Commits follow one another. */
  last: Promise<void>;
}

class CassandraPositions implements PositionStore {
  private readonly session: CassandraSession;
  private readonly table: string;
  private readonly holdings = new Map<string, Holding>();

  constructor(session: CassandraSession) {
    this.session = session;
    this.table = `${session.keyspace}.positions`;
  }

  async claim(place: GroupPartition): Promise<{ readonly epoch: number; readonly position?: GroupPosition }> {
    for (let tries = 0; tries < MOST_CLAIMS; tries++) {
      const before = await this.session.serialOne(this.read(place));
      const epoch = before ? numberAt(before, 'epoch') + 1 : 1;
      const claimed = await this.session.change({ ...this.raise(place, before), readBack: this.read(place) });
      if (!claimed.isApplied) continue;
      // Read after the claim: from here on no earlier holder can commit, so this is where it came to.
      const row = await this.session.serialOne(this.read(place));
      this.holdings.set(keyOf(place), {
        epoch,
        sequence: row ? numberAt(row, 'sequence') : 0,
        last: Promise.resolve(),
      });
      const position = row && positionOf(row);
      return { epoch, ...(position && { position }) };
    }
    throw new VedetteError('STORE_UNAVAILABLE', `${nameOf(place)} is being claimed by others all the time`);
  }

  async commit(place: GroupPartition, epoch: number, position: GroupPosition): Promise<void> {
    const holding = this.holdings.get(keyOf(place));
    if (holding?.epoch !== epoch) throw taken(place, epoch);
    const done = holding.last.then(() => this.write(place, holding, position));
    // The next commit is a decision of its own; whoever asked for this one is told of its failure.
    holding.last = done.catch(() => undefined);
    await done;
  }

  async committed(place: GroupPartition): Promise<GroupPosition | undefined> {
    const row = await this.session.serialOne(this.read(place));
    return row && positionOf(row);
  }

  private raise(place: GroupPartition, before: Row | undefined) {
    const { group, topic, partition } = place;
    if (!before) {
      return {
        query: `INSERT INTO ${this.table} (log_group, topic, partition, epoch, sequence, attempt) VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS`,
        parameters: (attempt: string) => [group, topic, partition, 1n, 0n, attempt],
      };
    }
    const epoch = BigInt(numberAt(before, 'epoch'));
    return {
      query: `UPDATE ${this.table} SET epoch = ?, attempt = ? WHERE log_group = ? AND topic = ? AND partition = ? IF epoch = ?`,
      parameters: (attempt: string) => [epoch + 1n, attempt, group, topic, partition, epoch],
    };
  }

  private async write(place: GroupPartition, holding: Holding, position: GroupPosition): Promise<void> {
    const { group, topic, partition } = place;
    const epoch = BigInt(holding.epoch);
    for (;;) {
      const before = BigInt(holding.sequence);
      const written = await this.session.change({
        query: `UPDATE ${this.table} SET sequence = ?, next_offset = ?, metadata = ?, attempt = ?
 WHERE log_group = ? AND topic = ? AND partition = ? IF epoch = ? AND sequence = ?`,
        parameters: (attempt) => [
          ...[before + 1n, BigInt(position.offset), position.metadata, attempt],
          ...[group, topic, partition, epoch, before],
        ],
        readBack: this.read(place),
      });
      if (written.isApplied) {
        holding.sequence++;
        return;
      }
      const { row } = written;
      if (!row || numberAt(row, 'epoch') !== holding.epoch) throw taken(place, holding.epoch);
      // An earlier commit of ours, of which it was left open whether it took effect, did.
      holding.sequence = numberAt(row, 'sequence');
    }
  }

  private read({ group, topic, partition }: GroupPartition): Statement {
    return {
      query: `SELECT epoch, sequence, attempt, next_offset, metadata FROM ${this.table} WHERE log_group = ? AND topic = ? AND partition = ?`,
      parameters: [group, topic, partition],
    };
  }
}

function positionOf(row: Row): GroupPosition | undefined {
  if (row['next_offset'] === null) return undefined;
  return { offset: numberAt(row, 'next_offset'), metadata: optionalText(row, 'metadata') ?? '' };
}

function keyOf({ group, topic, partition }: GroupPartition): string {
  return JSON.stringify([group, topic, partition]);
}

function nameOf({ group, topic, partition }: GroupPartition): string {
  return `position of ${group} in ${topic}/${partition}`;
}

function taken(place: GroupPartition, epoch: number): VedetteError {
  return new VedetteError('LOCKED', `${nameOf(place)}: a newer epoch than ${epoch} holds it`);
}
