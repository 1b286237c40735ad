/**
 * Checkpoints: what a worker needs to go on where it stopped. One writer a key at a time.
 *
 * A checkpoint is visible once `commit` has resolved, whole or not at all; the one before it is kept. `load` gives the
 * newest that is whole, and falls back to the one before. Errors: CHECKPOINT_CORRUPT where none of those there can be
 * read, LOCKED where another holder with a newer epoch has taken the key.
 */
export interface CheckpointStore {
  begin(key: string): Promise<CheckpointWriter>;
  load(key: string): Promise<Checkpoint | undefined>;
}

export interface CheckpointWriter {
  /** One named part. Its bytes are copied before this first waits, so they may change from then on. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  commit(meta: unknown): Promise<{ sizeBytes: number }>;
  abort(): Promise<void>;
}

export interface Checkpoint {
  readonly meta: unknown;
  /** Parts in the order of writing. */
  readonly parts: AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>;
}
