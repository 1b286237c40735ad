import { bytesAt, numberAt, optionalText, type Row, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { DeadLetter } from '../dead-letter.ts';
import type { DeadLetterReason } from '../decoder.ts';
import { placeName } from './place-name.ts';

/** A letter without what it weighs. */
export type LetterHead = Omit<DeadLetter, 'bytes' | 'decoderState'>;

const HEAD = 'id, source, position, format, reason, received_ms, size_bytes, replayed_ms';
/** Letters fetched at a time where their bytes come along: up to 64 KiB each. */
const HEAVY_PAGE_ROWS = 50;

/** Letters by segment and id, and ids by source and position. Writes are plain and may be repeated. */
export class LetterRows {
  private readonly session: CassandraSession;
  private readonly store: string;
  private readonly letterTable: string;
  private readonly placeTable: string;

  constructor(session: CassandraSession, store: string) {
    this.session = session;
    this.store = store;
    this.letterTable = `${session.keyspace}.dead_letters`;
    this.placeTable = `${session.keyspace}.dead_letter_places`;
  }

  async put(segment: number, letter: DeadLetter): Promise<void> {
    await this.session.write(
      `INSERT INTO ${this.letterTable} (store, segment, ${HEAD}, decoder_state, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        ...[this.store, BigInt(segment), BigInt(letter.id), letter.source, BigInt(letter.position), letter.format],
        ...[letter.reason, BigInt(letter.receivedMs), BigInt(letter.sizeBytes)],
        letter.replayedMs === undefined ? null : BigInt(letter.replayedMs),
        letter.decoderState ?? null,
        Buffer.from(letter.bytes.buffer, letter.bytes.byteOffset, letter.bytes.byteLength),
      ],
    );
  }

  async get(segment: number, id: number): Promise<DeadLetter | undefined> {
    const row = await this.session.one(
      `SELECT ${HEAD}, decoder_state, bytes FROM ${this.letterTable} WHERE store = ? AND segment = ? AND id = ?`,
      [this.store, BigInt(segment), BigInt(id)],
    );
    return row && isWhole(row) ? letterOf(row) : undefined;
  }

  /** Heads of a segment's letters below an id, newest first. */
  async *heads(segment: number, below: number): AsyncGenerator<LetterHead> {
    const query = `SELECT ${HEAD} FROM ${this.letterTable} WHERE store = ? AND segment = ? AND id < ?`;
    for await (const row of this.session.rows(query, [this.store, BigInt(segment), BigInt(below)]))
      if (isWhole(row)) yield headOf(row);
  }

  /** Ids and places of a segment. */
  async *places(segment: number): AsyncGenerator<{ id: number; source: string; position: number }> {
    const query = `SELECT id, source, position FROM ${this.letterTable} WHERE store = ? AND segment = ?`;
    for await (const row of this.session.rows(query, [this.store, BigInt(segment)], { pageRows: HEAVY_PAGE_ROWS * 10 }))
      if (isWhole(row))
        yield { id: numberAt(row, 'id'), source: textAt(row, 'source'), position: numberAt(row, 'position') };
  }

  async markReplayed(segment: number, id: number, atMs: number): Promise<void> {
    await this.session.write(
      `UPDATE ${this.letterTable} SET replayed_ms = ? WHERE store = ? AND segment = ? AND id = ?`,
      [BigInt(atMs), this.store, BigInt(segment), BigInt(id)],
    );
  }

  async dropSegment(segment: number): Promise<void> {
    await this.session.write(`DELETE FROM ${this.letterTable} WHERE store = ? AND segment = ?`, [
      this.store,
      BigInt(segment),
    ]);
  }

  async idAt(source: string, position: number): Promise<number | undefined> {
    const row = await this.session.one(
      `SELECT id FROM ${this.placeTable} WHERE store = ? AND source = ? AND position = ?`,
      [this.store, placeName(source), BigInt(position)],
    );
    return row && row['id'] !== null ? numberAt(row, 'id') : undefined;
  }

  /** With the id as timestamp: of two letters at one place the later stays, and outlives the removal of the earlier. */
  async setPlace(source: string, position: number, id: number): Promise<void> {
    await this.session.write(
      `INSERT INTO ${this.placeTable} (store, source, position, id) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`,
      [this.store, placeName(source), BigInt(position), BigInt(id), BigInt(id)],
    );
  }

  async removePlace(source: string, position: number, id: number): Promise<void> {
    await this.session.write(
      `DELETE FROM ${this.placeTable} USING TIMESTAMP ? WHERE store = ? AND source = ? AND position = ?`,
      [BigInt(id), this.store, placeName(source), BigInt(position)],
    );
  }
}

/** A mark that came after its letter was dropped leaves a row with nothing else in it. */
function isWhole(row: Row): boolean {
  return row['source'] !== null;
}

function headOf(row: Row): LetterHead {
  return {
    id: numberAt(row, 'id'),
    source: textAt(row, 'source'),
    position: numberAt(row, 'position'),
    format: textAt(row, 'format'),
    reason: textAt(row, 'reason') as DeadLetterReason,
    receivedMs: numberAt(row, 'received_ms'),
    sizeBytes: numberAt(row, 'size_bytes'),
    ...(row['replayed_ms'] !== null && { replayedMs: numberAt(row, 'replayed_ms') }),
  };
}

function letterOf(row: Row): DeadLetter {
  const decoderState = optionalText(row, 'decoder_state');
  return { ...headOf(row), bytes: bytesAt(row, 'bytes'), ...(decoderState !== undefined && { decoderState }) };
}
