import type { OlapClient } from '../olap/client.ts';
import { EVENTS_TABLE } from '../olap/schema/events-table.ts';
import { ArrivalRates } from './arrival-rates.ts';

/** Events of a whole cluster, whoever took them in: as they are stored, looked at now and then. */
export class StoredEvents {
  /** Stored now: retention takes some away. */
  total = 0;
  readonly rates = new ArrivalRates();
  private readonly olap: Pick<OlapClient, 'query'>;
  private added: number | undefined;

  constructor(olap: Pick<OlapClient, 'query'>) {
    this.olap = olap;
  }

  /** Errors: OLAP_UNAVAILABLE; what was known stays. */
  async look(nowMs: number): Promise<void> {
    // From the parts' own counts, on every shard: nothing is read.
    const [counted] = await this.olap.query<{ events: number }>(`SELECT count() AS events FROM ${EVENTS_TABLE}`);
    const events = counted?.events ?? 0;
    // What was there before the first look did not come in now.
    this.added = this.added === undefined ? 0 : this.added + Math.max(0, events - this.total);
    this.total = events;
    this.rates.sample(this.added, nowMs);
  }
}
