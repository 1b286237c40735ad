import { eventRow, parseFlow } from './flow-record.ts';
import { IdiomaticTraffic } from './traffic.ts';

/** Rows as JSONEachRow; resolves once they are stored. */
export type InsertRows = (table: string, rows: readonly object[]) => Promise<void>;

const DISORDER_MS = 5 * 60_000;
const PANE_MS = 10_000;
const BATCH_ROWS = 100_000;

/**
 * The benchmark's peer: the same job in the code that one would write first. JSON.parse a line, a Map of objects,
 * JSONEachRow inserts in large batches.
 *
 * What it leaves out, to its advantage: a durable log, restarts (checkpoints, positions, exact inserts), duplicates,
 * dead letters, late records, more than one source, IPv6, limits on state, evidence and storage of alerts, several
 * partitions; its baselines are plain means where ours are robust.
 */
export class IdiomaticPipeline {
  readonly traffic: IdiomaticTraffic;
  events = 0;
  private readonly insert: InsertRows;
  private readonly pending = new Map<string, object[]>();
  private rest = '';
  private newestMs = -Infinity;
  private closedMs = -Infinity;

  constructor(insert: InsertRows) {
    this.insert = insert;
    this.traffic = new IdiomaticTraffic((table, row) => this.rowsOf(table).push(row));
  }

  /** The addresses that had a flood. */
  get flooded(): string[] {
    const found = this.traffic.findings.filter(({ detector }) => detector === 'flood').map(({ entity }) => entity);
    return [...new Set(found)].sort();
  }

  async push(chunk: Uint8Array): Promise<void> {
    const lines = (this.rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('utf8')).split(
      '\n',
    );
    this.rest = lines.pop() ?? '';
    const events = this.rowsOf('events');
    for (const line of lines) {
      const flow = parseFlow(line);
      this.traffic.add(flow);
      events.push(eventRow(flow, line, this.events++));
      if (flow.timeMs > this.newestMs) this.newestMs = flow.timeMs;
    }
    const watermarkMs = Math.floor((this.newestMs - DISORDER_MS) / PANE_MS) * PANE_MS;
    if (watermarkMs > this.closedMs) this.traffic.closeUpTo((this.closedMs = watermarkMs));
    await this.flush(BATCH_ROWS);
  }

  /** The input has ended: closes what is open and inserts the rest. */
  async end(): Promise<void> {
    this.traffic.closeUpTo(Math.floor(this.newestMs / PANE_MS) * PANE_MS + PANE_MS);
    await this.flush(1);
  }

  private async flush(minRows: number): Promise<void> {
    for (const [table, rows] of this.pending)
      if (rows.length >= minRows) await this.insert(table, rows.splice(0, rows.length));
  }

  private rowsOf(table: string): object[] {
    let rows = this.pending.get(table);
    if (!rows) this.pending.set(table, (rows = []));
    return rows;
  }
}
