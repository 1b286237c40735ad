import { inLanes } from '../../model/lanes.ts';
import { optionalText } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import { VedetteError } from '../../model/errors.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterStore } from '../dead-letter.ts';
import {
  type Counted,
  countsOf,
  EMPTY_LEDGER,
  enterLetters,
  type Ledger,
  parseLedger,
  segmentOf,
} from './letter-ledger.ts';
import { type LetterHead, LetterRows } from './letter-rows.ts';

export interface CassandraDeadLetterOptions {
  /** Which letters; those of one name share ids and limit. */
  readonly name?: string;
  readonly maxLetterBytes: number;
  readonly onDropped?: (letters: number) => void;
  readonly onWarning?: (message: string) => void;
}

type NewLetter = Omit<DeadLetter, 'id'>;

/** What a letter takes beside its bytes, about: many short ones fill a disk too. */
const LETTER_OVERHEAD = 256;
/** Letters that are read or written at a time. */
const LANES = 32;
/** Puts that lose against other writers before it is told. */
const MOST_TRIES = 100;

/**
 * Dead letters in Cassandra, written by as many processes as there are: a ledger of one row, moved by compare-and-set,
 * gives ids and knows what is kept; letters lie in segments, and the oldest segments go when there is too much.
 */
export function openCassandraDeadLetters(
  session: CassandraSession,
  options: CassandraDeadLetterOptions,
): DeadLetterStore {
  return new CassandraDeadLetters(session, options);
}

class CassandraDeadLetters implements DeadLetterStore {
  private readonly session: CassandraSession;
  private readonly options: CassandraDeadLetterOptions;
  private readonly name: string;
  private readonly table: string;
  private readonly rows: LetterRows;
  /** Puts follow one another; what comes while one is under way goes together in the next. */
  private next: { readonly letters: NewLetter[]; readonly done: Promise<void> } | undefined;
  private putting: Promise<void> = Promise.resolve();
  private clearing: Promise<void> = Promise.resolve();

  constructor(session: CassandraSession, options: CassandraDeadLetterOptions) {
    this.session = session;
    this.options = options;
    this.name = options.name ?? 'ingest';
    this.table = `${session.keyspace}.dead_letter_stores`;
    this.rows = new LetterRows(session, this.name);
  }

  put(letters: readonly NewLetter[]): Promise<void> {
    if (!this.next) {
      const together: NewLetter[] = [];
      const done = this.putting.then(() => {
        this.next = undefined;
        return this.putAll(together);
      });
      this.next = { letters: together, done };
      // The next ones are tried anew, whatever became of these.
      this.putting = done.catch(() => undefined);
    }
    this.next.letters.push(...letters);
    return this.next.done;
  }

  async get(id: number): Promise<DeadLetter | undefined> {
    const segment = segmentOf((await this.readLedger()).ledger, id);
    return segment === undefined ? undefined : this.rows.get(segment, id);
  }

  async list(
    filter: DeadLetterFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ letters: DeadLetter[]; next?: string }> {
    const before = page.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(page.cursor);
    if (!Number.isSafeInteger(before)) throw new VedetteError('BAD_REQUEST', 'cursor: not one that this server gave');
    const found: { segment: number; head: LetterHead }[] = [];
    for await (const one of this.walk(before)) {
      if (!matches(one.head, filter)) continue;
      found.push(one);
      if (found.length > page.limit) break;
    }
    const shown = found.slice(0, page.limit);
    const letters = await inLanes(shown, LANES, ({ segment, head }) => this.rows.get(segment, head.id));
    const there = letters.filter((letter) => letter !== undefined);
    return { letters: there, ...(found.length > page.limit && { next: String(shown.at(-1)!.head.id) }) };
  }

  async counts(): Promise<Record<string, number>> {
    return countsOf((await this.readLedger()).ledger);
  }

  async markReplayed(ids: readonly number[], atMs: number): Promise<void> {
    const { ledger } = await this.readLedger();
    await inLanes(ids, LANES, async (id) => {
      const segment = segmentOf(ledger, id);
      if (segment === undefined || !(await this.rows.get(segment, id))) return;
      await this.rows.markReplayed(segment, id, atMs);
    });
  }

  /** Waits for what is under way; the session is whose it was. */
  async close(): Promise<void> {
    await this.putting;
    await this.clearing;
  }

  private async putAll(all: readonly NewLetter[]): Promise<void> {
    if (all.length === 0) return;
    // Of one place the last.
    const letters = [...new Map(all.map((letter) => [placeOf(letter), letter])).values()];
    const known = await inLanes(letters, LANES, (letter) => this.rows.idAt(letter.source, letter.position));
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { ledger, version } = await this.readLedger();
      const replaced: { id: number; before: Counted; after: Counted; letter: NewLetter }[] = [];
      const added: NewLetter[] = [];
      await inLanes([...letters.entries()], LANES, async ([at, letter]) => {
        const id = known[at];
        const segment = id === undefined ? undefined : segmentOf(ledger, id);
        const before = segment === undefined ? undefined : await this.rows.get(segment, id!);
        if (before) replaced.push({ id: id!, before: countedOf(before), after: countedOf(letter), letter });
      });
      const again = new Set(replaced.map(({ letter }) => letter));
      added.push(...letters.filter((letter) => !again.has(letter)));
      const entered = enterLetters(ledger, { replaced, added: added.map(countedOf) }, this.options.maxLetterBytes);
      if (!(await this.moveLedger(version, entered.ledger))) continue;
      const placed = [
        ...replaced.map(({ id, letter }) => ({ ...letter, id })),
        ...added.map((letter, i) => ({ ...letter, id: entered.ids[i]! })),
      ];
      await this.write(entered.ledger, placed);
      this.drop(entered);
      return;
    }
    throw new VedetteError('STORE_UNAVAILABLE', `dead letters "${this.name}" are being written by others all the time`);
  }

  /** The place first: a letter that is written again after a crash then finds its id, and is one letter. */
  private async write(ledger: Ledger, letters: readonly DeadLetter[]): Promise<void> {
    await inLanes(letters, LANES, async (letter) => {
      const segment = segmentOf(ledger, letter.id);
      // Too much for the store in one put: dropped at once, and counted.
      if (segment === undefined) return;
      await this.rows.setPlace(letter.source, letter.position, letter.id);
      await this.rows.put(segment, letter);
    });
  }

  /** Segments that are not in the ledger any more are nobody's: removed behind. */
  private drop({ dropped, droppedLetters }: { dropped: readonly number[]; droppedLetters: number }): void {
    if (droppedLetters > 0) this.options.onDropped?.(droppedLetters);
    this.clearing = this.clearing
      .then(async () => {
        for (const segment of dropped) await this.removeSegment(segment);
      })
      .catch((error: unknown) =>
        this.options.onWarning?.(`dead letters that were dropped are still on the disk: ${String(error)}`),
      );
  }

  private async removeSegment(segment: number): Promise<void> {
    const places: { id: number; source: string; position: number }[] = [];
    for await (const place of this.rows.places(segment)) places.push(place);
    await inLanes(places, LANES, ({ source, position, id }) => this.rows.removePlace(source, position, id));
    await this.rows.dropSegment(segment);
  }

  /** Heads below an id, newest first. */
  private async *walk(before: number): AsyncGenerator<{ segment: number; head: LetterHead }> {
    const { ledger } = await this.readLedger();
    for (const { first } of ledger.segments.toReversed()) {
      if (first >= before) continue;
      for await (const head of this.rows.heads(first, before)) yield { segment: first, head };
    }
  }

  private async readLedger(): Promise<{ ledger: Ledger; version: number }> {
    const row = await this.session.serialOne(this.readBack());
    const body = row && optionalText(row, 'body');
    if (!row || body === undefined) return { ledger: EMPTY_LEDGER, version: 0 };
    return { ledger: parseLedger(body), version: Number(row['version']) };
  }

  private async moveLedger(version: number, ledger: Ledger): Promise<boolean> {
    const moved = await this.session.change({
      query:
        version === 0
          ? `INSERT INTO ${this.table} (version, attempt, body, store) VALUES (?, ?, ?, ?) IF NOT EXISTS`
          : `UPDATE ${this.table} SET version = ?, attempt = ?, body = ? WHERE store = ? IF version = ?`,
      parameters: (attempt) => [
        ...[BigInt(version + 1), attempt, JSON.stringify(ledger), this.name],
        ...(version === 0 ? [] : [BigInt(version)]),
      ],
      readBack: this.readBack(),
    });
    return moved.isApplied;
  }

  private readBack() {
    return { query: `SELECT version, attempt, body FROM ${this.table} WHERE store = ?`, parameters: [this.name] };
  }
}

function matches(head: LetterHead, filter: DeadLetterFilter): boolean {
  return (
    (filter.reason === undefined || head.reason === filter.reason) &&
    (filter.source === undefined || head.source === filter.source) &&
    (filter.format === undefined || head.format === filter.format) &&
    (filter.pending !== true || head.replayedMs === undefined)
  );
}

function countedOf({ reason, bytes }: { reason: string; bytes: Uint8Array }): Counted {
  return { reason, bytes: bytes.length + LETTER_OVERHEAD };
}

function placeOf({ source, position }: NewLetter): string {
  return `${position} ${source}`;
}
