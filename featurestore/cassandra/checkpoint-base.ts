import type { ListedPart, Manifest, Piece } from './manifest.ts';
import type { Turns } from './turns.ts';

/** A chunk of which less than this is still needed is not listed any more: what is left of it is written anew. */
const LEAST_LIVE = 0.5;

/** The checkpoint that the next one is written against: what has not changed is listed again. */
export class CheckpointBase {
  readonly manifest: Manifest;
  private readonly byName: ReadonlyMap<string, ListedPart>;
  private readonly sparse: ReadonlySet<number>;

  private constructor(manifest: Manifest, byName: Map<string, ListedPart>, sparse: Set<number>) {
    this.manifest = manifest;
    this.byName = byName;
    this.sparse = sparse;
  }

  static async of(manifest: Manifest, turns: Turns): Promise<CheckpointBase> {
    const byName = new Map<string, ListedPart>();
    const live = new Array<number>(manifest.chunks.length).fill(0);
    for (const part of manifest.parts) {
      // Of parts of one name the first: they are told apart by nothing else.
      if (!byName.has(part.name)) byName.set(part.name, part);
      for (const { chunk, length } of part.pieces) live[chunk]! += length;
      await turns.give();
    }
    const sparse = new Set<number>();
    manifest.chunks.forEach(({ rawBytes }, chunk) => {
      if (live[chunk]! < rawBytes * LEAST_LIVE) sparse.add(chunk);
    });
    return new CheckpointBase(manifest, byName, sparse);
  }

  /** The piece of a part that may be listed again if its bytes are the same. */
  pieceOf(name: string, index: number): Piece | undefined {
    const piece = this.byName.get(name)?.pieces[index];
    return piece && !this.sparse.has(piece.chunk) ? piece : undefined;
  }
}
