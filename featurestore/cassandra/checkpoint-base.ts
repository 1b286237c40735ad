import type { ListedPart, Manifest } from './manifest.ts';

/** A chunk of which less than this is still needed is not listed any more: what is left of it is written anew. */
const LEAST_LIVE = 0.5;

/** The checkpoint that the next one is written against: what has not changed is listed again. */
export class CheckpointBase {
  readonly manifest: Manifest;
  private readonly byName = new Map<string, ListedPart>();
  private readonly sparse = new Set<number>();

  constructor(manifest: Manifest) {
    this.manifest = manifest;
    const live = new Array<number>(manifest.chunks.length).fill(0);
    for (const part of manifest.parts) {
      // Of parts of one name the first: they are told apart by nothing else.
      if (!this.byName.has(part.name)) this.byName.set(part.name, part);
      for (const { chunk, length } of part.pieces) live[chunk]! += length;
    }
    manifest.chunks.forEach(({ rawBytes }, chunk) => {
      if (live[chunk]! < rawBytes * LEAST_LIVE) this.sparse.add(chunk);
    });
  }

  /** The piece of a part that may be listed again if its bytes are the same. */
  pieceOf(name: string, index: number) {
    const piece = this.byName.get(name)?.pieces[index];
    return piece && !this.sparse.has(piece.chunk) ? piece : undefined;
  }
}
