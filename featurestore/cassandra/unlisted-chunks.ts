import type { ChunkTable, BegunWrite } from './chunk-table.ts';
import type { ChunkId, ListedChunk, Pointer } from './manifest.ts';

/** A write that was not ended is left alone for so long, by the clock of its writer, ms: a zombie may still be at it. */
const UNENDED_MS = 3_600_000;

/** A checkpoint that is kept, as far as clearing up has to know it. */
export interface KeptCheckpoint {
  readonly pointer: Pointer;
  readonly chunks: readonly ListedChunk[];
}

/** Removes what a checkpoint listed that is not kept any more, but for what those kept list too. */
export async function removeDropped(
  table: ChunkTable,
  dropped: KeptCheckpoint,
  kept: readonly KeptCheckpoint[],
): Promise<void> {
  const listed = new Set(kept.flatMap(listedIds).map(idText));
  await table.delete(listedIds(dropped).filter((id) => !listed.has(idText(id))));
  const writes = new Set(kept.flatMap(listedIds).map(writeText));
  const gone = new Map(listedIds(dropped).map((id) => [writeText(id), id]));
  for (const [text, { epoch, sequence }] of gone) if (!writes.has(text)) await table.forget(epoch, sequence);
}

/**
 * Removes every chunk of a key that no kept checkpoint lists: those of writes that were cut short, and of checkpoints
 * that were dropped by a process that died before it had cleared up. `isMine`: writes that are going on here.
 */
export async function removeUnlisted(
  table: ChunkTable,
  kept: readonly KeptCheckpoint[],
  isMine: (write: BegunWrite) => boolean,
): Promise<void> {
  const listed = new Set(kept.flatMap(listedIds).map(idText));
  const writes = new Set(kept.flatMap(listedIds).map(writeText));
  for await (const write of table.begun()) {
    if (isMine(write)) continue;
    if (write.chunks === undefined && Date.now() - write.begunMs < UNENDED_MS) continue;
    const ids = (await numbersOf(table, write)).map((number) => ({ ...write, number }));
    await table.delete(ids.filter((id) => !listed.has(idText(id))));
    if (!writes.has(writeText(write))) await table.forget(write.epoch, write.sequence);
  }
}

async function numbersOf(table: ChunkTable, write: BegunWrite): Promise<number[]> {
  const { chunks, manifestChunks } = write;
  if (chunks === undefined || manifestChunks === undefined) {
    const data = await table.probe(write, { first: 0, step: 1 });
    return [...data, ...(await table.probe(write, { first: -1, step: -1 }))];
  }
  return Array.from({ length: chunks + manifestChunks }, (_, i) => i - manifestChunks);
}

function listedIds({ pointer, chunks }: KeptCheckpoint): ChunkId[] {
  const { epoch, sequence } = pointer;
  const own = Array.from({ length: pointer.chunks }, (_, i) => ({ epoch, sequence, number: -1 - i }));
  return [...chunks, ...own];
}

function idText({ epoch, sequence, number }: ChunkId): string {
  return `${epoch}/${sequence}/${number}`;
}

function writeText({ epoch, sequence }: { epoch: number; sequence: number }): string {
  return `${epoch}/${sequence}`;
}
