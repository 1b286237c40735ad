import { VedetteError } from '../../model/errors.ts';
import type { Checkpoint } from '../checkpoint-store.ts';
import { checkChunk, decodeChunk } from './chunk-codec.ts';
import type { ChunkTable } from './chunk-table.ts';
import { type Manifest, parseManifest, type Pointer } from './manifest.ts';
import { Turns } from './turns.ts';

/** Chunks that are fetched at a time. */
const MOST_UNDER_WAY = 8;
/** Stored bytes kept between the check of a checkpoint and its reading; what is more is fetched twice. */
const KEPT_BYTES = 24 << 20;
/** Uncompressed chunks at hand while parts are read, bytes: parts written at different times lie in different ones. */
const DECODED_BYTES = 16 << 20;

/** Throws CHECKPOINT_CORRUPT where it is missing or damaged. */
export async function readManifest(table: ChunkTable, pointer: Pointer): Promise<Manifest> {
  const { epoch, sequence, chunks, crc } = pointer;
  const name = `manifest ${table.key}/${epoch}/${sequence}`;
  const numbers = Array.from({ length: chunks }, (_, i) => -1 - i);
  const found: Buffer[] = [];
  for (const number of numbers) {
    const chunk = await table.get({ epoch, sequence, number });
    if (!chunk) throw new VedetteError('CHECKPOINT_CORRUPT', `${name} is missing`);
    found.push(chunk);
  }
  const stored = checkChunk(Buffer.concat(found), crc, name);
  const turns = new Turns();
  return parseManifest((await decodeChunk(stored)).toString('utf8'), () => turns.give());
}

/** A checkpoint all of whose chunks are there and whole. Throws CHECKPOINT_CORRUPT where one is not. */
export async function readCheckpoint(table: ChunkTable, manifest: Manifest): Promise<Checkpoint> {
  const uses = new Array<number>(manifest.chunks.length).fill(0);
  const turns = new Turns();
  for (const { pieces } of manifest.parts) {
    for (const { chunk } of pieces) uses[chunk]!++;
    await turns.give();
  }
  const reader = new ChunkReader(table, manifest, uses);
  await reader.check();
  return { meta: manifest.meta, parts: reader.parts() };
}

class ChunkReader {
  private readonly table: ChunkTable;
  private readonly manifest: Manifest;
  /** By chunk: stored and whole. */
  private readonly kept = new Map<number, Buffer>();
  private keptBytes = 0;
  /** By chunk, the longest unused first. */
  private readonly decoded = new Map<number, Buffer>();
  private decodedBytes = 0;
  /** Pieces still to be read, by chunk. */
  private readonly uses: number[];

  constructor(table: ChunkTable, manifest: Manifest, uses: number[]) {
    this.table = table;
    this.manifest = manifest;
    this.uses = uses;
  }

  async check(): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < this.manifest.chunks.length) {
        const chunk = next++;
        const stored = await this.fetch(chunk);
        if (this.keptBytes + stored.length > KEPT_BYTES) continue;
        this.kept.set(chunk, stored);
        this.keptBytes += stored.length;
      }
    };
    try {
      await Promise.all(Array.from({ length: MOST_UNDER_WAY }, lane));
    } catch (error) {
      // The other lanes stop.
      next = this.manifest.chunks.length;
      throw error;
    }
  }

  async *parts(): Checkpoint['parts'] {
    const turns = new Turns();
    for (const { name, pieces } of this.manifest.parts) {
      const slices: Buffer[] = [];
      for (const { chunk, offset, length } of pieces) {
        const raw = await this.raw(chunk);
        slices.push(raw.subarray(offset, offset + length));
        this.used(chunk);
      }
      await turns.give();
      yield { name, bytes: slices.length === 1 ? slices[0]! : Buffer.concat(slices) };
    }
  }

  private async raw(chunk: number): Promise<Buffer> {
    const known = this.decoded.get(chunk);
    // Taken out and put in again: a map keeps the order of insertion.
    this.decoded.delete(chunk);
    const raw = known ?? (await decodeChunk(this.kept.get(chunk) ?? (await this.fetch(chunk))));
    this.decoded.set(chunk, raw);
    if (known) return raw;
    this.decodedBytes += raw.length;
    for (const [oldest, { length }] of this.decoded) {
      if (this.decodedBytes <= DECODED_BYTES || oldest === chunk) break;
      this.decoded.delete(oldest);
      this.decodedBytes -= length;
    }
    return raw;
  }

  /** Lets go of a chunk with its last piece. */
  private used(chunk: number): void {
    if (--this.uses[chunk]! > 0) return;
    this.kept.delete(chunk);
    const raw = this.decoded.get(chunk);
    if (!raw) return;
    this.decoded.delete(chunk);
    this.decodedBytes -= raw.length;
  }

  private async fetch(chunk: number): Promise<Buffer> {
    const id = this.manifest.chunks[chunk]!;
    const name = `chunk ${this.table.key}/${id.epoch}/${id.sequence}/${id.number}`;
    return checkChunk(await this.table.get(id), id.crc, name);
  }
}
