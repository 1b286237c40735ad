import type { CassandraSession } from '../../cassandra/session.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Checkpoint, CheckpointStore, CheckpointWriter } from '../checkpoint-store.ts';
import { CheckpointBase } from './checkpoint-base.ts';
import { readCheckpoint, readManifest } from './checkpoint-reader.ts';
import { ChunkedWriter, type CheckpointPoint, type WrittenCheckpoint } from './checkpoint-writer.ts';
import { ChunkTable } from './chunk-table.ts';
import type { Pointer } from './manifest.ts';
import { type KeyState, ManifestRow } from './manifest-row.ts';
import { Turns } from './turns.ts';
import { type KeptCheckpoint, removeDropped, removeUnlisted } from './unlisted-chunks.ts';

/** Between two searches for chunks that nobody lists, ms. The first comes after a holder's first checkpoint. */
const SEARCH_EVERY_MS = 6 * 3_600_000;

export interface CassandraCheckpointOptions {
  readonly onWarning?: (message: string) => void;
  /** After each commit: stored bytes that were new, and all that the checkpoint lists. */
  readonly onCommit?: (key: string, stats: { readonly writtenBytes: number; readonly listedBytes: number }) => void;
  readonly at?: (point: CheckpointPoint) => void;
}

export interface CassandraCheckpointStore extends CheckpointStore {
  /** Resolves once what nobody lists any more is removed, as far as that is under way. */
  cleared(): Promise<void>;
}

/**
 * Checkpoints in Cassandra: immutable chunks, and a row a key that says which manifests list them. `load` takes the key
 * over, and so does the first `begin` without it: earlier holders are refused at their next commit (LOCKED). What has
 * not changed since the last checkpoint of a key is listed again, not written again.
 */
export function openCassandraCheckpoints(
  session: CassandraSession,
  options: CassandraCheckpointOptions = {},
): CassandraCheckpointStore {
  return new CassandraCheckpoints(session, options);
}

class CassandraCheckpoints implements CassandraCheckpointStore {
  private readonly session: CassandraSession;
  private readonly options: CassandraCheckpointOptions;
  private readonly held = new Map<string, HeldKey>();

  constructor(session: CassandraSession, options: CassandraCheckpointOptions) {
    this.session = session;
    this.options = options;
  }

  async begin(key: string): Promise<CheckpointWriter> {
    return (this.held.get(key) ?? (await this.claim(key))).begin();
  }

  async load(key: string): Promise<Checkpoint | undefined> {
    return (await this.claim(key)).load();
  }

  async cleared(): Promise<void> {
    await Promise.all([...this.held.values()].map(({ clearing }) => clearing));
  }

  private async claim(key: string): Promise<HeldKey> {
    const row = new ManifestRow(this.session, key);
    const held = new HeldKey(await row.claim(), { row, table: new ChunkTable(this.session, key), ...this.options });
    this.held.set(key, held);
    return held;
  }
}

interface HeldKeyOptions extends CassandraCheckpointOptions {
  readonly row: ManifestRow;
  readonly table: ChunkTable;
}

/** A key that this process has claimed. */
class HeldKey {
  private readonly options: HeldKeyOptions;
  private readonly epoch: number;
  private state: KeyState;
  /** Of the newest write that was begun. */
  private begun: number;
  private base: CheckpointBase | undefined;
  /** The newest checkpoint that is known to be whole. */
  private good: KeptCheckpoint | undefined;
  private before: KeptCheckpoint | undefined;
  /** A commit was answered by nobody: the row has to be looked at. */
  private isOpen = false;
  private searchAt = 0;
  clearing: Promise<void> = Promise.resolve();

  constructor(state: KeyState, options: HeldKeyOptions) {
    this.state = state;
    this.epoch = state.epoch;
    this.begun = state.sequence;
    this.options = options;
  }

  async load(): Promise<Checkpoint | undefined> {
    const { table, onWarning } = this.options;
    const { newest, previous } = this.state;
    for (const pointer of [newest, previous]) {
      if (!pointer) continue;
      try {
        const manifest = await readManifest(table, pointer);
        const checkpoint = await readCheckpoint(table, manifest);
        this.base = await CheckpointBase.of(manifest, new Turns());
        this.good = { pointer, chunks: manifest.chunks };
        return checkpoint;
      } catch (error) {
        if (!(error instanceof VedetteError) || error.code !== 'CHECKPOINT_CORRUPT') throw error;
        onWarning?.(`checkpoint ${nameOf(table.key, pointer)} is passed over: ${error.message}`);
      }
    }
    if (!newest) return undefined;
    throw new VedetteError(
      'CHECKPOINT_CORRUPT',
      `no checkpoint of ${table.key} in Cassandra can be read; delete its row of checkpoint_manifests to start from the log's beginning`,
    );
  }

  async begin(): Promise<CheckpointWriter> {
    const { table, at, onCommit } = this.options;
    if (this.isOpen) await this.lookAgain();
    const sequence = ++this.begun;
    await table.begin(this.epoch, sequence);
    const writer: ChunkedWriter = new ChunkedWriter({
      table,
      epoch: this.epoch,
      sequence,
      base: this.base,
      publish: async (written) => {
        await this.publish(written);
        onCommit?.(table.key, writer.stats);
      },
      onOpenOutcome: () => {
        this.isOpen = true;
      },
      at,
    });
    return writer;
  }

  private async publish({ manifest, pointer }: WrittenCheckpoint): Promise<void> {
    const previous = this.good?.pointer ?? this.state.newest;
    const from = { epoch: this.epoch, sequence: this.state.sequence };
    await this.options.row.move(from, { newest: pointer, ...(previous && { previous }) });
    this.state = { epoch: this.epoch, sequence: pointer.sequence, newest: pointer, ...(previous && { previous }) };
    this.base = await CheckpointBase.of(manifest, new Turns());
    const dropped = this.before;
    this.before = this.good;
    this.good = { pointer, chunks: manifest.chunks };
    // Not waited for: what is cleared up late is in nobody's way.
    this.clearing = this.clearing
      .then(() => this.clear(dropped))
      .catch((error: unknown) =>
        this.options.onWarning?.(`old chunks of checkpoint ${this.options.table.key} stay for now: ${String(error)}`),
      );
  }

  /** After a commit that nobody answered: whether it took effect, and whether the key is still ours. */
  private async lookAgain(): Promise<void> {
    const { row, table } = this.options;
    const state = await row.read();
    if (state?.epoch !== this.epoch) throw row.taken(this.epoch);
    if (state.sequence !== this.state.sequence) {
      const manifest = await readManifest(table, state.newest!);
      this.before = this.good;
      this.good = { pointer: state.newest!, chunks: manifest.chunks };
      this.base = await CheckpointBase.of(manifest, new Turns());
      this.state = state;
    }
    this.isOpen = false;
  }

  private async clear(dropped: KeptCheckpoint | undefined): Promise<void> {
    const { table } = this.options;
    const { newest, previous } = this.state;
    const kept = [this.good!];
    if (this.before) kept.push(this.before);
    // Where this holder began without loading, what it found is kept unread.
    else if (previous) kept.push({ pointer: previous, chunks: (await readManifest(table, previous)).chunks });
    if (dropped) await removeDropped(table, dropped, kept);
    if (Date.now() < this.searchAt) return;
    this.searchAt = Date.now() + SEARCH_EVERY_MS;
    await removeUnlisted(table, kept, ({ epoch, sequence }) => epoch === this.epoch && sequence > newest!.sequence);
  }
}

function nameOf(key: string, { epoch, sequence }: Pointer): string {
  return `${key}/${epoch}/${sequence}`;
}
