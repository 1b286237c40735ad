import { z } from 'zod';

/** Where a chunk lies: who wrote it (epoch and sequence), and its number in that write. Manifests' own count down from −1. */
export interface ChunkId {
  readonly epoch: number;
  readonly sequence: number;
  readonly number: number;
}

/** A chunk that a manifest lists. */
export interface ListedChunk extends ChunkId {
  /** Uncompressed, bytes. */
  readonly rawBytes: number;
  /** As it is stored. */
  readonly storedBytes: number;
  /** CRC-32 of what is stored. */
  readonly crc: number;
}

/** Some bytes of a part: where they lie in which chunk. */
export interface Piece {
  /** Index into the manifest's chunks. */
  readonly chunk: number;
  readonly offset: number;
  readonly length: number;
  /** Of the bytes, to see whether they changed. */
  readonly hash: string;
}

export interface ListedPart {
  readonly name: string;
  readonly pieces: readonly Piece[];
}

/** What a checkpoint is made of. */
export interface Manifest {
  readonly meta: unknown;
  readonly chunks: readonly ListedChunk[];
  /** In the order of writing. */
  readonly parts: readonly ListedPart[];
}

/** What the row of a key says of a checkpoint: where its manifest lies. */
const pointerSchema = z.strictObject({
  epoch: z.number(),
  sequence: z.number(),
  /** The manifest's chunks. */
  chunks: z.number(),
  /** CRC-32 of the manifest as it is stored. */
  crc: z.number(),
  /** All that the checkpoint lists, and its manifest, as stored; bytes. */
  sizeBytes: z.number(),
});

export type Pointer = z.output<typeof pointerSchema>;

export function parsePointer(text: string): Pointer {
  return pointerSchema.parse(JSON.parse(text));
}

const FORMAT = 1;

const integer = z.number().int();
const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  meta: z.unknown().optional(),
  /** Epoch, sequence, number, raw bytes, stored bytes, CRC. */
  chunks: z.array(z.tuple([integer, integer, integer, integer, integer, integer])),
});
/** Name, then chunk, offset, length and hash of each piece. */
const partsSchema = z.array(z.array(z.union([z.string(), integer])));

const PIECE_FIELDS = 4;
/** Parts of a line: few enough to be written, and read, without holding up what else goes on. */
const LINE_PARTS = 500;

/** The manifest as lines of JSON: first everything else, then the parts, some to a line. */
export function* manifestLines({ meta, chunks, parts }: Manifest): Generator<string> {
  const head: z.input<typeof headSchema> = {
    format: FORMAT,
    meta,
    chunks: chunks.map((one) => [one.epoch, one.sequence, one.number, one.rawBytes, one.storedBytes, one.crc]),
  };
  yield `${JSON.stringify(head)}\n`;
  for (let i = 0; i < parts.length; i += LINE_PARTS) {
    const line: z.input<typeof partsSchema> = parts
      .slice(i, i + LINE_PARTS)
      .map(({ name, pieces }) => [
        name,
        ...pieces.flatMap(({ chunk, offset, length, hash }) => [chunk, offset, length, hash]),
      ]);
    yield `${JSON.stringify(line)}\n`;
  }
}

/** Throws where the lines are no manifest of this format. `onLine` is awaited after each. */
export async function parseManifest(text: string, onLine: () => Promise<void> | undefined): Promise<Manifest> {
  const lines = text.split('\n');
  const { meta, chunks } = headSchema.parse(JSON.parse(lines[0]!));
  const parts: ListedPart[] = [];
  for (const line of lines.slice(1, -1)) {
    for (const fields of partsSchema.parse(JSON.parse(line))) parts.push(listedPart(fields));
    await onLine();
  }
  return {
    meta,
    chunks: chunks.map(([epoch, sequence, number, rawBytes, storedBytes, crc]) => ({
      ...{ epoch, sequence, number, rawBytes, storedBytes, crc },
    })),
    parts,
  };
}

function listedPart(fields: readonly (string | number)[]): ListedPart {
  const pieces: Piece[] = [];
  for (let i = 1; i < fields.length; i += PIECE_FIELDS) {
    pieces.push({
      chunk: Number(fields[i]),
      offset: Number(fields[i + 1]),
      length: Number(fields[i + 2]),
      hash: String(fields[i + 3]),
    });
  }
  return { name: String(fields[0]), pieces };
}
