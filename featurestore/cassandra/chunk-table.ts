import { setTimeout as pause } from 'node:timers/promises';
import { bytesAt, numberAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import type { ChunkId } from './manifest.ts';

/** A write that was begun: the chunks that lie under its epoch and sequence. */
export interface BegunWrite {
  readonly epoch: number;
  readonly sequence: number;
  readonly begunMs: number;
  /** How many chunks it has, and its manifest; undefined: it was not ended. */
  readonly chunks?: number;
  readonly manifestChunks?: number;
}

/** Deletes at a time. */
const MOST_DELETES = 8;
/** Between two rounds of them: clearing up must not be felt. */
const DELETE_PAUSE_MS = 5;

/** The tables of chunks and of begun writes, for one key. All writes here are plain and may be repeated. */
export class ChunkTable {
  readonly key: string;
  private readonly session: CassandraSession;
  private readonly chunks: string;
  private readonly writes: string;

  constructor(session: CassandraSession, key: string) {
    this.session = session;
    this.key = key;
    this.chunks = `${session.keyspace}.checkpoint_chunks`;
    this.writes = `${session.keyspace}.checkpoint_writes`;
  }

  async put({ epoch, sequence, number }: ChunkId, data: Buffer): Promise<void> {
    await this.session.write(`INSERT INTO ${this.chunks} (key, epoch, sequence, number, data) VALUES (?, ?, ?, ?, ?)`, [
      this.key,
      BigInt(epoch),
      BigInt(sequence),
      number,
      data,
    ]);
  }

  async get({ epoch, sequence, number }: ChunkId): Promise<Buffer | undefined> {
    const row = await this.session.one(
      `SELECT data FROM ${this.chunks} WHERE key = ? AND epoch = ? AND sequence = ? AND number = ?`,
      [this.key, BigInt(epoch), BigInt(sequence), number],
    );
    return row && bytesAt(row, 'data');
  }

  /** Numbers of the chunks from `first` on, stepping by `step`, until so many in a row are missing that none follow. */
  async probe(write: BegunWrite, { first, step }: { first: number; step: 1 | -1 }): Promise<number[]> {
    const found: number[] = [];
    for (let at = first; ; at += step * PROBED) {
      const numbers = Array.from({ length: PROBED }, (_, i) => at + step * i);
      const there = await Promise.all(numbers.map((number) => this.has({ ...write, number })));
      const seen = numbers.filter((_, i) => there[i]);
      found.push(...seen);
      if (seen.length === 0) return found;
    }
  }

  async delete(ids: readonly ChunkId[]): Promise<void> {
    for (let i = 0; i < ids.length; i += MOST_DELETES) {
      if (i > 0) await pause(DELETE_PAUSE_MS);
      const round = ids.slice(i, i + MOST_DELETES);
      await Promise.all(round.map((id) => this.deleteOne(id)));
    }
  }

  /** Notes a write before its first chunk: what becomes of it, its chunks are found. */
  async begin(epoch: number, sequence: number): Promise<void> {
    await this.session.write(`INSERT INTO ${this.writes} (key, epoch, sequence, begun_ms) VALUES (?, ?, ?, ?)`, [
      this.key,
      BigInt(epoch),
      BigInt(sequence),
      BigInt(Date.now()),
    ]);
  }

  async end(epoch: number, sequence: number, counts: { chunks: number; manifestChunks: number }): Promise<void> {
    await this.session.write(
      `UPDATE ${this.writes} SET chunks = ?, manifest_chunks = ? WHERE key = ? AND epoch = ? AND sequence = ?`,
      [counts.chunks, counts.manifestChunks, this.key, BigInt(epoch), BigInt(sequence)],
    );
  }

  async forget(epoch: number, sequence: number): Promise<void> {
    await this.session.write(`DELETE FROM ${this.writes} WHERE key = ? AND epoch = ? AND sequence = ?`, [
      this.key,
      BigInt(epoch),
      BigInt(sequence),
    ]);
  }

  async *begun(): AsyncGenerator<BegunWrite> {
    const query = `SELECT epoch, sequence, begun_ms, chunks, manifest_chunks FROM ${this.writes} WHERE key = ?`;
    for await (const row of this.session.rows(query, [this.key])) {
      const isEnded = row['chunks'] !== null;
      yield {
        epoch: numberAt(row, 'epoch'),
        sequence: numberAt(row, 'sequence'),
        // Missing where only the end of a write arrived.
        begunMs: row['begun_ms'] === null ? 0 : numberAt(row, 'begun_ms'),
        ...(isEnded && { chunks: numberAt(row, 'chunks'), manifestChunks: numberAt(row, 'manifest_chunks') }),
      };
    }
  }

  private async has({ epoch, sequence, number }: ChunkId): Promise<boolean> {
    const row = await this.session.one(
      `SELECT number FROM ${this.chunks} WHERE key = ? AND epoch = ? AND sequence = ? AND number = ?`,
      [this.key, BigInt(epoch), BigInt(sequence), number],
    );
    return row !== undefined;
  }

  private deleteOne({ epoch, sequence, number }: ChunkId): Promise<void> {
    return this.session.write(
      `DELETE FROM ${this.chunks} WHERE key = ? AND epoch = ? AND sequence = ? AND number = ?`,
      [this.key, BigInt(epoch), BigInt(sequence), number],
    );
  }
}

/** More than a writer has under way at once: a gap of so many is the end. */
const PROBED = 32;
