import { numberAt, type Row, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { Episode } from '../alert.ts';
import { indexEntry, type IndexEntry, type IndexKey } from '../alert-index.ts';
import { NEW_TRIAGE } from './alert-rows.ts';
import { COUNTED, type Place, timeOf } from './alert-places.ts';

/** What a row of the index says; `status` means nothing in it, since triage is elsewhere. */
export interface ListedEntry extends IndexEntry {
  readonly revision: number;
  readonly lastPaneMs: number;
}

/** An alert as a listing has it. It may be out of date: the alert itself tells. */
export interface Listed {
  readonly uid: string;
  readonly place: Place;
  readonly entry: ListedEntry;
}

/** Days that are known to be noted are not noted again; forgotten at so many. */
const MOST_KNOWN_DAYS = 10_000;

/**
 * The index: a partition a scope and day, rows by hour and uid, written with the episode's revision as timestamp. A
 * second table has the days that a scope has, and a mark of each process that changed what is counted on a day.
 */
export class AlertListing {
  private readonly session: CassandraSession;
  private readonly writer: string;
  private readonly index: string;
  private readonly days: string;
  private readonly knownDays = new Set<string>();

  /** @param writer name of this process, different from all others'. */
  constructor(session: CassandraSession, writer: string) {
    this.session = session;
    this.writer = writer;
    this.index = `${session.keyspace}.alert_index`;
    this.days = `${session.keyspace}.alert_days`;
  }

  async put(episode: Episode, { scope, day, hour }: Place): Promise<void> {
    const { uid, revision, lastPaneMs } = episode;
    await this.noteDay(scope, day);
    const entry: ListedEntry = { ...indexEntry({ episode, triage: NEW_TRIAGE }), revision, lastPaneMs };
    await this.session.write(
      `INSERT INTO ${this.index} (scope, day, hour, uid, entry) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
      [scope, day, hour, uid, JSON.stringify(entry), BigInt(revision)],
    );
  }

  /** Removes what revisions up to this one wrote at a place. */
  async remove(uid: string, { scope, day, hour }: Place, revision: number): Promise<void> {
    await this.session.write(
      `DELETE FROM ${this.index} USING TIMESTAMP ? WHERE scope = ? AND day = ? AND hour = ? AND uid = ?`,
      [BigInt(revision), scope, day, hour, uid],
    );
  }

  /** Tells those who count that this process has changed a day. */
  async stamp(day: number, stamp: string): Promise<void> {
    await this.session.write(`UPDATE ${this.days} SET stamps[?] = ? WHERE scope = ? AND day = ?`, [
      this.writer,
      stamp,
      COUNTED,
      day,
    ]);
  }

  /** Entries in the order of a listing, those after `cursor`, with a last pane not before `sinceMs`. */
  async *walk(scope: string, range: { cursor?: IndexKey; sinceMs?: number }): AsyncGenerator<Listed> {
    const { cursor, sinceMs } = range;
    const newestMs = cursor ? -cursor[0] : Number.MAX_SAFE_INTEGER;
    const first = timeOf(Math.min(newestMs, MAX_TIME_MS));
    const last = timeOf(Math.max(sinceMs ?? -MAX_TIME_MS, -MAX_TIME_MS));
    for await (const day of this.daysOf(scope, first.day, last.day)) {
      const latest = day === first.day ? first.hour : 23;
      const earliest = day === last.day ? last.hour : 0;
      for await (const hour of this.hours({ scope, day }, latest, earliest)) {
        for (const listed of hour.sort(byTime)) {
          const { lastPaneMs } = listed.entry;
          if (cursor && !isAfter(listed, cursor)) continue;
          if (sinceMs !== undefined && lastPaneMs < sinceMs) return;
          yield listed;
        }
      }
    }
  }

  /** All that are counted on a day. */
  async *counted(day: number): AsyncGenerator<ListedEntry> {
    const query = `SELECT hour, uid, entry FROM ${this.index} WHERE scope = ? AND day = ?`;
    for await (const row of this.session.rows(query, [COUNTED, day])) yield parseEntry(row);
  }

  /** Days with alerts that are counted, newest first. */
  async *countedDays(): AsyncGenerator<{ day: number; stamps: string; summary: string | undefined }> {
    const query = `SELECT day, stamps, summary FROM ${this.days} WHERE scope = ?`;
    for await (const row of this.session.rows(query, [COUNTED])) {
      const stamps = Object.entries((row['stamps'] ?? {}) as Record<string, string>);
      yield {
        day: numberAt(row, 'day'),
        stamps: stamps.map((pair) => pair.join(' ')).sort().join(','), // prettier-ignore
        summary: row['summary'] === null ? undefined : textAt(row, 'summary'),
      };
    }
  }

  async summarise(day: number, summary: string): Promise<void> {
    await this.session.write(`UPDATE ${this.days} SET summary = ? WHERE scope = ? AND day = ?`, [
      summary,
      COUNTED,
      day,
    ]);
  }

  private async noteDay(scope: string, day: number): Promise<void> {
    const known = `${day} ${scope}`;
    if (this.knownDays.has(known)) return;
    await this.session.write(`INSERT INTO ${this.days} (scope, day) VALUES (?, ?)`, [scope, day]);
    if (this.knownDays.size >= MOST_KNOWN_DAYS) this.knownDays.clear();
    this.knownDays.add(known);
  }

  private async *daysOf(scope: string, latest: number, earliest: number): AsyncGenerator<number> {
    const query = `SELECT day FROM ${this.days} WHERE scope = ? AND day <= ? AND day >= ?`;
    for await (const row of this.session.rows(query, [scope, latest, earliest])) yield numberAt(row, 'day');
  }

  /** Entries of each hour, the latest first; within it by uid. */
  private async *hours(
    { scope, day }: { scope: string; day: number },
    latest: number,
    earliest: number,
  ): AsyncGenerator<Listed[]> {
    const query = `SELECT hour, uid, entry FROM ${this.index} WHERE scope = ? AND day = ? AND hour <= ? AND hour >= ?`;
    let group: Listed[] = [];
    for await (const row of this.session.rows(query, [scope, day, latest, earliest])) {
      const hour = numberAt(row, 'hour');
      if (group.length > 0 && group[0]!.place.hour !== hour) {
        yield group;
        group = [];
      }
      group.push({ uid: textAt(row, 'uid'), place: { scope, day, hour }, entry: parseEntry(row) });
    }
    if (group.length > 0) yield group;
  }
}

/** Days fit a 32-bit column far beyond any time that a date can hold. */
const MAX_TIME_MS = 8.64e15;

function parseEntry(row: Row): ListedEntry {
  return JSON.parse(textAt(row, 'entry')) as ListedEntry;
}

function byTime(a: Listed, b: Listed): number {
  return b.entry.lastPaneMs - a.entry.lastPaneMs || (a.uid < b.uid ? -1 : 1);
}

function isAfter({ uid, entry }: Listed, [negated, cursorUid]: IndexKey): boolean {
  return -entry.lastPaneMs > negated || (-entry.lastPaneMs === negated && uid > cursorUid);
}
