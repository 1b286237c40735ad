import { inLanes } from '../../model/lanes.ts';
import type { Severity } from '../alert.ts';
import { SEVERITIES } from '../severity.ts';
import type { AlertListing } from './alert-listing.ts';

export interface Counts {
  open: number;
  total: number;
  bySeverity: Record<Severity, number>;
}

/** What there is on a day, and the stamps that the day had when it was counted. */
interface DayCounts {
  readonly stamps: string;
  readonly open: number;
  /** By rank of severity. */
  readonly byRank: readonly number[];
}

/** Days counted at a time. */
const LANES = 4;

/**
 * Counts from the index, day by day. A day is counted again only after somebody has changed it, which its stamps tell;
 * what was counted is written beside them, so that other processes needn't.
 */
export class AlertCounts {
  private readonly listing: AlertListing;
  private days = new Map<number, DayCounts>();

  constructor(listing: AlertListing) {
    this.listing = listing;
  }

  async read(): Promise<Counts> {
    const before = this.days;
    const found: { day: number; stamps: string; known: DayCounts | undefined }[] = [];
    for await (const { day, stamps, summary } of this.listing.countedDays()) {
      const stored = summary === undefined ? undefined : (JSON.parse(summary) as DayCounts);
      const known = [before.get(day), stored].find((counts) => counts?.stamps === stamps);
      found.push({ day, stamps, known });
    }
    const counted = await inLanes(found, LANES, async ({ day, stamps, known }) => {
      return [day, known ?? (await this.count(day, stamps))] as const;
    });
    this.days = new Map(counted);
    const bySeverity = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
    const counts: Counts = { open: 0, total: 0, bySeverity };
    for (const { open, byRank } of this.days.values()) {
      counts.open += open;
      byRank.forEach((alerts, rank) => {
        counts.total += alerts;
        bySeverity[SEVERITIES[rank]!] += alerts;
      });
    }
    return counts;
  }

  private async count(day: number, stamps: string): Promise<DayCounts> {
    let open = 0;
    const byRank = new Array<number>(SEVERITIES.length).fill(0);
    for await (const { rank, isOpen } of this.listing.counted(day)) {
      byRank[rank]!++;
      if (isOpen) open++;
    }
    const counts: DayCounts = { stamps, open, byRank };
    await this.listing.summarise(day, JSON.stringify(counts));
    return counts;
  }
}
