import { numberAt, optionalText, type Row } from '../../cassandra/row.ts';
import type { CassandraSession, Statement } from '../../cassandra/session.ts';
import { VedetteError } from '../../model/errors.ts';
import { parsePointer, type Pointer } from './manifest.ts';

/** Claims that lose against others at the same moment before it is told. */
const MOST_CLAIMS = 50;

/** What a key's row says. */
export interface KeyState {
  readonly epoch: number;
  /** Of the newest checkpoint; 0: none. */
  readonly sequence: number;
  readonly newest?: Pointer;
  readonly previous?: Pointer;
}

/** The row of a key: who holds it, and which its checkpoints are. Changed by compare-and-set alone. */
export class ManifestRow {
  private readonly session: CassandraSession;
  private readonly key: string;
  private readonly table: string;

  constructor(session: CassandraSession, key: string) {
    this.session = session;
    this.key = key;
    this.table = `${session.keyspace}.checkpoint_manifests`;
  }

  async read(): Promise<KeyState | undefined> {
    const row = await this.session.serialOne(this.statement());
    return row && stateOf(row);
  }

  /** Raises the epoch: from here on no earlier holder can move the row. Gives it as the last of them left it. */
  async claim(): Promise<KeyState> {
    for (let tries = 0; tries < MOST_CLAIMS; tries++) {
      const before = await this.read();
      const epoch = (before?.epoch ?? 0) + 1;
      const claimed = await this.session.change({
        query: before
          ? `UPDATE ${this.table} SET epoch = ?, attempt = ? WHERE key = ? IF epoch = ?`
          : `INSERT INTO ${this.table} (key, epoch, sequence, attempt) VALUES (?, ?, ?, ?) IF NOT EXISTS`,
        parameters: (attempt) =>
          before ? [BigInt(epoch), attempt, this.key, BigInt(before.epoch)] : [this.key, BigInt(epoch), 0n, attempt],
        readBack: this.statement(),
      });
      if (!claimed.isApplied) continue;
      const after = await this.read();
      // Somebody may have claimed it since; then the first commit is refused. What the row lists is right in any case.
      return { ...after!, epoch };
    }
    throw new VedetteError('STORE_UNAVAILABLE', `checkpoint ${this.key} is being claimed by others all the time`);
  }

  /**
   * Makes a checkpoint the newest, if the row still is as this holder left it.
   *
   * @throws VedetteError LOCKED; STORE_UNAVAILABLE leaves open whether it took effect.
   */
  async move(from: { epoch: number; sequence: number }, to: { newest: Pointer; previous?: Pointer }): Promise<void> {
    const { epoch, sequence } = from;
    const moved = await this.session.change({
      query: `UPDATE ${this.table} SET sequence = ?, committed_ms = ?, newest = ?, previous = ?, attempt = ? WHERE key = ? IF epoch = ? AND sequence = ?`,
      parameters: (attempt) => [
        ...[BigInt(to.newest.sequence), BigInt(Date.now())],
        ...[JSON.stringify(to.newest), to.previous ? JSON.stringify(to.previous) : null],
        ...[attempt, this.key, BigInt(epoch), BigInt(sequence)],
      ],
      readBack: this.statement(),
    });
    if (!moved.isApplied) throw this.taken(epoch);
  }

  taken(epoch: number): VedetteError {
    return new VedetteError('LOCKED', `checkpoint ${this.key}: a newer epoch than ${epoch} holds it`);
  }

  private statement(): Statement {
    return {
      query: `SELECT epoch, sequence, attempt, newest, previous FROM ${this.table} WHERE key = ?`,
      parameters: [this.key],
    };
  }
}

function stateOf(row: Row): KeyState {
  const newest = optionalText(row, 'newest');
  const previous = optionalText(row, 'previous');
  return {
    epoch: numberAt(row, 'epoch'),
    sequence: numberAt(row, 'sequence'),
    ...(newest !== undefined && { newest: parsePointer(newest) }),
    ...(previous !== undefined && { previous: parsePointer(previous) }),
  };
}
