import { randomUUID } from 'node:crypto';
import { inLanes } from '../../model/lanes.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Alert, AlertFilter, AlertStore, Episode, Triage } from '../alert.ts';
import { indexEntry, type IndexKey, indexKey, matches, readCursor, writeCursor } from '../alert-index.ts';
import { AlertCounts, type Counts } from './alert-counts.ts';
import { AlertListing, type Listed } from './alert-listing.ts';
import { isSamePlace, placesOf, scopeOf } from './alert-places.ts';
import { AlertRows } from './alert-rows.ts';

const MOST_A_PAGE = 1000;
/** Alerts that are read, or written, at a time. */
const LANES = 32;

/**
 * Alert state in Cassandra. Several processes may write: of an episode the highest revision stays, triage is changed by
 * compare-and-set, and the rows of listings are taken for hints that the alert itself confirms.
 */
export function openCassandraAlertStore(session: CassandraSession): AlertStore {
  return new CassandraAlertStore(session);
}

class CassandraAlertStore implements AlertStore {
  private readonly rows: AlertRows;
  private readonly listing: AlertListing;
  private readonly counter: AlertCounts;

  constructor(session: CassandraSession) {
    this.rows = new AlertRows(session);
    this.listing = new AlertListing(session, randomUUID());
    this.counter = new AlertCounts(this.listing);
  }

  async putEpisodes(episodes: readonly Episode[]): Promise<Episode[]> {
    const newest = new Map<string, Episode>();
    for (const episode of episodes) {
      const other = newest.get(episode.uid);
      if (!other || other.revision < episode.revision) newest.set(episode.uid, episode);
    }
    const found = await inLanes([...newest.values()], LANES, async (episode) => ({
      episode,
      before: await this.rows.episode(episode.uid),
    }));
    const changes = found.filter(({ episode, before }) => !before || before.revision < episode.revision);
    // First where it will be found, last the episode: a process that dies in between is given it again, and repeats all.
    await inLanes(changes, LANES, async ({ episode }) => {
      await Promise.all(placesOf(episode).map((place) => this.listing.put(episode, place)));
    });
    const countedDays = new Set(changes.map(({ episode }) => placesOf(episode).at(-1)!.day));
    await inLanes([...countedDays], LANES, (day) => this.listing.stamp(day, randomUUID()));
    await inLanes(changes, LANES, async ({ episode, before }) => {
      await this.rows.put(episode);
      const places = placesOf(episode);
      const left = before ? placesOf(before).filter((old) => !places.some((place) => isSamePlace(place, old))) : [];
      await Promise.all(left.map((place) => this.listing.remove(episode.uid, place, episode.revision)));
    });
    return changes.map(({ episode }) => episode);
  }

  get(uid: string): Promise<Alert | undefined> {
    return this.rows.alert(uid);
  }

  async list(
    filter: AlertFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ alerts: Alert[]; next?: string }> {
    if (!Number.isInteger(page.limit) || page.limit < 1) {
      throw new VedetteError('BAD_REQUEST', `limit must be a positive integer, not ${page.limit}`);
    }
    const limit = Math.min(page.limit, MOST_A_PAGE);
    const cursor = page.cursor === undefined ? undefined : readCursor(page.cursor);
    const alerts: Alert[] = [];
    for await (const alert of this.matching(filter, cursor, limit)) {
      if (alerts.length === limit) return { alerts, next: writeCursor(indexKey(alerts.at(-1)!)) };
      alerts.push(alert);
    }
    return { alerts };
  }

  counts(): Promise<Counts> {
    return this.counter.read();
  }

  triage(uid: string, version: number | undefined, change: (triage: Triage) => Triage): Promise<Alert> {
    return this.rows.triage(uid, version, change);
  }

  /** The session is whose it was. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Alerts that pass a filter, in order; read in lots of about as many as are asked for. */
  private async *matching(filter: AlertFilter, cursor: IndexKey | undefined, limit: number): AsyncGenerator<Alert> {
    const hinted: AlertFilter = { ...filter };
    // Triage is no part of the index.
    Reflect.deleteProperty(hinted, 'status');
    const walk = this.listing.walk(scopeOf(filter), {
      ...(cursor && { cursor }),
      ...(filter.sinceMs !== undefined && { sinceMs: filter.sinceMs }),
    });
    const lot: Listed[] = [];
    for await (const listed of walk) {
      if (!matches(listed.entry, hinted)) continue;
      lot.push(listed);
      if (lot.length <= limit) continue;
      yield* await this.confirmed(lot.splice(0), filter);
    }
    yield* await this.confirmed(lot, filter);
  }

  /** Those that stand where the listing has them, and pass. */
  private async confirmed(lot: readonly Listed[], filter: AlertFilter): Promise<Alert[]> {
    const alerts = await inLanes(lot, LANES, async (listed) => {
      const alert = await this.rows.alert(listed.uid);
      if (!alert) return undefined;
      const { episode } = alert;
      if (!placesOf(episode).some((place) => isSamePlace(place, listed.place))) {
        // Left behind by a process that died; never one that is ahead of its episode, which is still to come.
        if (episode.revision > listed.entry.revision)
          await this.listing.remove(listed.uid, listed.place, listed.entry.revision);
        return undefined;
      }
      const isThere = episode.lastPaneMs === listed.entry.lastPaneMs;
      return isThere && matches(indexEntry(alert), filter) ? alert : undefined;
    });
    return alerts.filter((alert) => alert !== undefined);
  }
}
