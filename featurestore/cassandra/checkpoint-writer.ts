import { isAway } from '../../cassandra/server-error.ts';
import { crc32 } from '../../model/crc32.ts';
import { asError } from '../../model/errors.ts';
import type { CheckpointWriter } from '../checkpoint-store.ts';
import type { CheckpointBase } from './checkpoint-base.ts';
import { encodeChunk } from './chunk-codec.ts';
import { contentHash } from './content-hash.ts';
import type { ChunkTable } from './chunk-table.ts';
import {
  type ListedChunk,
  type ListedPart,
  type Manifest,
  manifestLines,
  type Piece,
  type Pointer,
} from './manifest.ts';
import { Turns } from './turns.ts';

/** Bytes that are compressed and stored together. Measured: smaller costs the server more, larger gains nothing. */
const PACK_BYTES = 1 << 20;
/** What is compared with the last checkpoint as one: larger parts are cut. */
const PIECE_BYTES = 1 << 18;
/** Packs that are being compressed or stored at a time. */
const MOST_UNDER_WAY = 6;
/** A manifest's own chunks, as stored. */
const MANIFEST_CHUNK_BYTES = 1 << 19;

/** Places at which a fault test ends the process; those of the files' adapter, where "renamed" is "made visible". */
export type CheckpointPoint = 'checkpoint_half' | 'checkpoint_synced' | 'checkpoint_renamed';

/** What became of a checkpoint. */
export interface WrittenCheckpoint {
  readonly manifest: Manifest;
  readonly pointer: Pointer;
}

export interface WriterOptions {
  readonly table: ChunkTable;
  readonly epoch: number;
  readonly sequence: number;
  readonly base: CheckpointBase | undefined;
  /** Makes it visible; rejects with LOCKED where another holds the key. */
  readonly publish: (written: WrittenCheckpoint) => Promise<void>;
  readonly onOpenOutcome: () => void;
  readonly at: ((point: CheckpointPoint) => void) | undefined;
}

/** Gathers parts into packs, and stores those while others are being filled. */
export class ChunkedWriter implements CheckpointWriter {
  private readonly options: WriterOptions;
  private readonly parts: ListedPart[] = [];
  /** Undefined while it is being filled or stored. */
  private readonly chunks: (ListedChunk | undefined)[] = [];
  /** Index of a chunk of the base among those of this one. */
  private readonly relisted = new Map<number, number>();
  private readonly underWay = new Set<Promise<void>>();
  private readonly buffers: Buffer[] = [];
  private readonly turns = new Turns();
  private pack: { buffer: Buffer; used: number; chunk: number } | undefined;
  private numbers = 0;
  private manifestChunks = 0;
  private failure: Error | undefined;
  private state: 'writing' | 'published' | 'open' = 'writing';

  constructor(options: WriterOptions) {
    this.options = options;
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const pieces: Piece[] = [];
    this.parts.push({ name, pieces });
    // Everything is hashed or copied before the first wait: the state that the bytes are part of goes on changing.
    const kept = bytes.length > PIECE_BYTES ? new Uint8Array(bytes) : bytes;
    for (let from = 0; from < kept.length; from += PIECE_BYTES) {
      if (from > 0) await this.room();
      pieces.push(this.place(name, pieces.length, kept.subarray(from, from + PIECE_BYTES)));
    }
    await this.room();
  }

  async commit(meta: unknown): Promise<{ sizeBytes: number }> {
    const { table, epoch, sequence, publish, at } = this.options;
    this.seal();
    await this.stored();
    const manifest: Manifest = { meta, chunks: this.chunks as ListedChunk[], parts: this.parts };
    const stored = await this.storeManifest(manifest);
    await table.end(epoch, sequence, { chunks: this.numbers, manifestChunks: this.manifestChunks });
    at?.('checkpoint_synced');
    const listedBytes = manifest.chunks.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    const sizeBytes = listedBytes + stored.length;
    const pointer = { epoch, sequence, chunks: this.manifestChunks, crc: crc32(stored), sizeBytes };
    try {
      await publish({ manifest, pointer });
    } catch (error) {
      if (isAway(error)) {
        this.state = 'open';
        this.options.onOpenOutcome();
      }
      throw error;
    }
    this.state = 'published';
    at?.('checkpoint_renamed');
    return { sizeBytes };
  }

  /** Removes what was stored, but for a commit that may have taken effect: that is looked at later. */
  async abort(): Promise<void> {
    const { table, epoch, sequence } = this.options;
    if (this.state !== 'writing') return;
    this.failure ??= new Error('the checkpoint was given up');
    await Promise.all(this.underWay);
    const numbers = [
      ...Array.from({ length: this.numbers }, (_, i) => i),
      ...Array.from({ length: this.manifestChunks }, (_, i) => -1 - i),
    ];
    await table.delete(numbers.map((number) => ({ epoch, sequence, number })));
    await table.forget(epoch, sequence);
  }

  /** Bytes that were stored for this one, and listed. */
  get stats(): { writtenBytes: number; listedBytes: number } {
    const { epoch, sequence } = this.options;
    let writtenBytes = 0;
    let listedBytes = 0;
    for (const chunk of this.chunks) {
      if (!chunk) continue;
      listedBytes += chunk.storedBytes;
      if (chunk.epoch === epoch && chunk.sequence === sequence) writtenBytes += chunk.storedBytes;
    }
    return { writtenBytes, listedBytes };
  }

  private place(name: string, index: number, bytes: Uint8Array): Piece {
    const { base } = this.options;
    const hash = contentHash(bytes);
    const before = base?.pieceOf(name, index);
    if (base && before?.hash === hash && before.length === bytes.length) {
      let chunk = this.relisted.get(before.chunk);
      if (chunk === undefined) {
        chunk = this.chunks.push(base.manifest.chunks[before.chunk]) - 1;
        this.relisted.set(before.chunk, chunk);
      }
      return { chunk, offset: before.offset, length: before.length, hash };
    }
    if (this.pack && this.pack.used + bytes.length > PACK_BYTES) this.seal();
    this.pack ??= {
      buffer: this.buffers.pop() ?? Buffer.allocUnsafe(PACK_BYTES),
      used: 0,
      chunk: this.chunks.push(undefined) - 1,
    };
    const { pack } = this;
    const offset = pack.used;
    pack.buffer.set(bytes, offset);
    pack.used += bytes.length;
    return { chunk: pack.chunk, offset, length: bytes.length, hash };
  }

  /** Sends the pack on its way. */
  private seal(): void {
    const { pack } = this;
    if (!pack) return;
    this.pack = undefined;
    this.track(this.store(pack.buffer, pack.used, { chunk: pack.chunk, number: this.numbers++ }));
  }

  private async store(buffer: Buffer, used: number, place: { chunk: number; number: number }): Promise<void> {
    const { table, epoch, sequence, at } = this.options;
    const stored = await encodeChunk(buffer.subarray(0, used));
    this.buffers.push(buffer);
    const { number } = place;
    this.chunks[place.chunk] = {
      epoch,
      sequence,
      number,
      rawBytes: used,
      storedBytes: stored.length,
      crc: crc32(stored),
    };
    // What was given up meanwhile is not sent any more.
    if (this.failure) return;
    await table.put({ epoch, sequence, number }, stored);
    at?.('checkpoint_half');
  }

  private async storeManifest(manifest: Manifest): Promise<Buffer> {
    const { table, epoch, sequence } = this.options;
    const lines: Buffer[] = [];
    for (const line of manifestLines(manifest)) {
      lines.push(Buffer.from(line));
      await this.turns.give();
    }
    const stored = await encodeChunk(Buffer.concat(lines));
    for (let from = 0; from < stored.length; from += MANIFEST_CHUNK_BYTES) {
      await this.room();
      const number = -1 - this.manifestChunks++;
      this.track(table.put({ epoch, sequence, number }, stored.subarray(from, from + MANIFEST_CHUNK_BYTES)));
    }
    await this.stored();
    return stored;
  }

  private track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        this.failure ??= asError(error);
      })
      .finally(() => this.underWay.delete(tracked));
    this.underWay.add(tracked);
  }

  /** Waits where too much is under way, and lets others have their turn. */
  private async room(): Promise<void> {
    while (this.underWay.size >= MOST_UNDER_WAY) await Promise.race(this.underWay);
    if (this.failure) throw this.failure;
    await this.turns.give();
  }

  private async stored(): Promise<void> {
    await Promise.all(this.underWay);
    if (this.failure) throw this.failure;
  }
}
