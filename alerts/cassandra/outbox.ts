import { inLanes } from '../../model/lanes.ts';
import { numberAt, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { Delivery, Outbox } from '../outbox.ts';

/** Deliveries that are written at a time. */
const LANES = 16;
/** So many may be removed before it is noted where the pending ones begin. */
const REMOVED_BEFORE_NOTE = 256;
/** Deliveries fetched at a time: each holds what is sent. */
const PAGE_ROWS = 100;

/**
 * The outbox in Cassandra, for one process at a time under one name. What was removed stays on the disk for a while;
 * so it is noted below which sequence nothing is pending, and reading begins there.
 */
export function openCassandraOutbox(session: CassandraSession, name: string): Outbox {
  return new CassandraOutbox(session, name);
}

class CassandraOutbox implements Outbox {
  private readonly session: CassandraSession;
  private readonly name: string;
  private readonly table: string;
  /** Nothing below is pending; undefined until it was read. */
  private lowest: number | undefined;
  /** Sequences that are pending, as far as they are known here. */
  private readonly known = new Set<number>();
  private isAllKnown = false;
  /** Of all sequences seen here. */
  private highest = Number.MIN_SAFE_INTEGER;
  private removed = 0;

  constructor(session: CassandraSession, name: string) {
    this.session = session;
    this.name = name;
    this.table = `${session.keyspace}.outbox`;
  }

  async put(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const first = Math.min(...deliveries.map(({ sequence }) => sequence));
    // Before it is written, or it would not be found.
    if (first < (await this.readLowest())) await this.noteLowest(first);
    await inLanes(deliveries, LANES, async (delivery) => {
      const { sequence } = delivery;
      await this.session.write(`INSERT INTO ${this.table} (name, sequence, body) VALUES (?, ?, ?)`, [
        this.name,
        BigInt(sequence),
        JSON.stringify(delivery),
      ]);
      this.note(sequence);
    });
  }

  async remove(sequence: number): Promise<void> {
    await this.session.write(`DELETE FROM ${this.table} WHERE name = ? AND sequence = ?`, [
      this.name,
      BigInt(sequence),
    ]);
    this.known.delete(sequence);
    this.removed++;
    if (!this.isAllKnown || this.removed < REMOVED_BEFORE_NOTE) return;
    this.removed = 0;
    await this.noteLowest(Math.min(this.highest + 1, ...this.known));
  }

  async pending(): Promise<Delivery[]> {
    const found: Delivery[] = [];
    const query = `SELECT sequence, body FROM ${this.table} WHERE name = ? AND sequence >= ?`;
    const lowest = BigInt(await this.readLowest());
    for await (const row of this.session.rows(query, [this.name, lowest], { pageRows: PAGE_ROWS })) {
      found.push(JSON.parse(textAt(row, 'body')) as Delivery);
      this.note(numberAt(row, 'sequence'));
    }
    this.isAllKnown = true;
    return found;
  }

  /** The session is whose it was. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  private note(sequence: number): void {
    this.known.add(sequence);
    this.highest = Math.max(this.highest, sequence);
  }

  private async readLowest(): Promise<number> {
    if (this.lowest !== undefined) return this.lowest;
    const row = await this.session.one(`SELECT DISTINCT name, lowest FROM ${this.table} WHERE name = ?`, [this.name]);
    this.lowest = row && row['lowest'] !== null ? numberAt(row, 'lowest') : Number.MIN_SAFE_INTEGER;
    return this.lowest;
  }

  private async noteLowest(lowest: number): Promise<void> {
    await this.session.write(`UPDATE ${this.table} SET lowest = ? WHERE name = ?`, [BigInt(lowest), this.name]);
    this.lowest = lowest;
  }
}
